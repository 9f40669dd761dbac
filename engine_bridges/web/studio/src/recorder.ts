// The microphone: heard, measured, kept as a WAV file.

import ear from "virtual:ear";
import { microphone } from "../../src/microphone.js";
import { writeWav } from "./wav.js";

/** An open microphone. */
export class Ear {
  /** Of the newest piece, 0..1. */
  level = 0;
  private constructor(
    readonly context: AudioContext,
    private readonly free: () => void,
  ) {}

  /** Asks for the microphone. ``heard`` gets pieces of 20 ms at the context's rate. Throws with a sentence. */
  static async open(heard: (samples: Float32Array) => void): Promise<Ear> {
    if (!navigator.mediaDevices) throw new Error("this page has no microphone: open it at a loopback address, or by https");
    const context = new AudioContext();
    let made: Ear | null = null;
    try {
      const free = await microphone(context, (samples) => {
        if (made) made.level = loudest(samples);
        heard(samples);
      }, ear);
      made = new Ear(context, free);
      return made;
    } catch (error) {
      await context.close();
      throw new Error(reason(error));
    }
  }

  async close(): Promise<void> {
    this.free();
    await this.context.close();
  }
}

/** Records until it is told to stop, or the longest take is full. */
export class Recorder {
  private readonly pieces: Float32Array[] = [];
  private held = 0;
  private ear: Ear | null = null;

  /** ``full`` is called when ``most`` seconds are recorded. */
  async start(most: number, full: () => void): Promise<void> {
    this.ear = await Ear.open((samples) => {
      if (!this.ear || this.seconds >= most) return;
      this.pieces.push(samples);
      this.held += samples.length;
      if (this.seconds >= most) full();
    });
  }

  get level(): number {
    return this.ear?.level ?? 0;
  }

  get seconds(): number {
    return this.ear ? this.held / this.ear.context.sampleRate : 0;
  }

  async stop(): Promise<Blob> {
    const rate = this.ear!.context.sampleRate;
    await this.ear!.close();
    const whole = new Float32Array(this.held);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return writeWav(whole, rate);
  }
}

function loudest(samples: Float32Array): number {
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample));
  return most;
}

function reason(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "the browser was told not to let this page hear the microphone";
  if (name === "NotFoundError") return "there is no microphone";
  return `the microphone cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
}
