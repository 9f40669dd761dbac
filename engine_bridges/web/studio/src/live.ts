// The face speaks with the microphone: a conversation with the service, by the npm client.

import { connect, type Talk } from "../../src/connect.js";
import type { Life, Style } from "../../src/messages.js";
import { Ear } from "./recorder.js";

const DELAY = 0.04; // seconds that frames wait, so that the network may be uneven

export interface Wanted {
  url: string;
  pack: string;
  rig: string;
  style: Style;
  life: Life | null;
  seed: number;
}

export class Live {
  /** Frames that the server left out because it fell behind. */
  dropped = 0;
  private lag = 0;

  private constructor(
    private readonly ear: Ear,
    private readonly talk: Talk,
  ) {}

  /** Opens microphone and conversation. ``over`` is called once, with a sentence where something went wrong. */
  static async start(wanted: Wanted, over: (sentence: string | null) => void): Promise<Live> {
    let live: Live | null = null;
    let heard: (samples: Float32Array) => void = () => undefined;
    const ear = await Ear.open((samples) => heard(samples));
    try {
      const talk = await connect(wanted.url, {
        rate: ear.context.sampleRate, rigs: [wanted.rig], model: wanted.pack, style: wanted.style, seed: wanted.seed,
        ...(wanted.life ? { life: wanted.life } : {}), idle: 0.5, delay: DELAY, name: "studio",
        onnotice: ({ kind, first, end }) => {
          if (live && kind === "dropped") live.dropped += end - first;
        },
      });
      heard = (samples) => talk.push(samples);
      live = new Live(ear, talk);
      talk.done.then(() => over(null), (error: Error & { code?: string }) => over(error.code === "CANCELLED" ? null : error.message));
      return live;
    } catch (error) {
      await ear.close();
      throw error;
    }
  }

  get curves(): readonly string[] {
    return this.talk.face!.curves;
  }

  get level(): number {
    return this.ear.level;
  }

  /** Frames that have been shown. */
  get frame(): number {
    return Math.floor(this.talk.face!.at ?? -1);
  }

  /** Values now; null before the first frame. */
  sample(): Float32Array | null {
    const face = this.talk.face!;
    const values = face.sample();
    if (values && face.at !== null) {
      const [numerator, denominator] = face.header.fps;
      const behind = this.talk.pushed / this.ear.context.sampleRate - (face.at * denominator) / numerator;
      this.lag = this.lag ? this.lag * 0.98 + behind * 0.02 : behind;
    }
    return values;
  }

  /** Milliseconds by which the face trails the voice, smoothed, and what of it the model needs. */
  get latency(): { whole: number; lookahead: number; waiting: number } {
    return { whole: this.lag * 1000, lookahead: this.talk.face!.header.latency * 1000, waiting: DELAY * 1000 };
  }

  style(style: Style): void {
    this.talk.style(style, this.talk.pushed, 0.15);
  }

  async stop(): Promise<void> {
    this.talk.close();
    await this.ear.close();
  }
}
