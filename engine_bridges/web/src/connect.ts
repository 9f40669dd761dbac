// A conversation with a voxrig service: sound out, one face back.

import { Face, type Playing } from "./face.js";
import { open, VoxrigError } from "./line.js";
import { encode, type Encoding, type Life, type Notice, type Reply, type Style, type StyleKey, type Summary } from "./messages.js";

export interface Wish extends Playing {
  /** Hertz of the sound that will be pushed: an AudioContext's ``sampleRate``, or that of a voice. */
  rate: number;
  /** Default ["arkit"]. */
  rigs?: string[];
  /** A number, or numerator and denominator. Default 60. */
  fps?: number | [number, number];
  /** Default: the server's first. */
  model?: string;
  style?: Style;
  /** Styles that are known beforehand, in order of time. */
  keys?: StyleKey[];
  /** A director's words, such as "sceptical, then amused"; they go on top of the style. */
  direction?: string;
  /** Of the speech that is directed, where they are known. */
  seconds?: number;
  /** What the face does beside speech; ``{}`` is all of it. Default: nothing. */
  life?: Life;
  /** Of life, a whole number: another one, another motion. Default 0. */
  seed?: number;
  /** ``realtime`` (default) for sound as it is spoken; ``burst`` for sound that is there already. */
  pacing?: "realtime" | "burst";
  /** Seconds without sound after which the face is put to rest; 0 is never. */
  idle?: number;
  /** Sends the sound back with its frames, so that a speaker plays both in step. */
  echo?: boolean;
  /** Most frames beyond what was shown that the server may send; 0 (default) is no such bound. */
  window?: number;
  encoding?: Encoding;
  /** In the server's logs. */
  name?: string;
  key?: string;
  onnotice?: (notice: Notice) => void;
}

/** An open conversation. ``done`` tells how it ended; it rejects with VoxrigError. */
export class Talk {
  /** Null until the server has answered. */
  face: Face | null = null;
  readonly done: Promise<Summary>;
  /** Samples pushed. */
  pushed = 0;
  private socket: WebSocket | null = null;
  private settle!: { resolve: (summary: Summary) => void; reject: (error: Error) => void };
  private ready!: { resolve: (talk: Talk) => void; reject: (error: Error) => void };
  private acked = 0;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private readonly encoding: Encoding;

  private constructor(private readonly wish: Wish) {
    this.encoding = wish.encoding ?? "s16";
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.done.catch(() => undefined); // who does not ask need not know
  }

  /** Opens one; settles when the server has told its header. */
  static async open(url: string, wish: Wish): Promise<Talk> {
    const talk = new Talk(wish);
    const ready = new Promise<Talk>((resolve, reject) => (talk.ready = { resolve, reject }));
    ready.catch(() => undefined);
    talk.socket = await open(url, wish.key, (reply) => talk.hear(reply), (error) => talk.closed(error));
    const { rate, rigs, fps, model, style, keys, direction, seconds, life, seed } = wish;
    const { pacing, idle, echo, window, name } = wish;
    const said = { style, keys, direction, seconds, life, seed };
    talk.say("config", { rate, rigs, fps, model, ...said, pacing, idle, echo, window, name, encoding: talk.encoding });
    if (window) talk.ticking = setInterval(() => talk.ack(), 50);
    return ready;
  }

  /** The next samples, full scale [-1, 1], or 16-bit PCM. */
  push(samples: Float32Array | Int16Array): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return; // ``done`` tells why
    const floats = samples instanceof Int16Array ? Float32Array.from(samples, (s) => s / 32768) : samples;
    this.pushed += floats.length;
    this.socket.send(encode(floats, this.encoding));
  }

  /** From sample ``at`` on (default: the next that is pushed) speak so, going there in ``transition`` seconds. */
  style(style: Style, at: number = this.pushed, transition = 0): void {
    this.say("style", { style, at, transition });
  }

  /** From sample ``at`` on (default: the next that is pushed) look there: radians to the subject's right and down. */
  look(yaw: number, pitch = 0, at: number = this.pushed): void {
    this.say("look", { yaw, pitch, at });
  }

  /** From sample ``at`` on the eyes are free. */
  lookFreely(at: number = this.pushed): void {
    this.say("look", { at });
  }

  /** Barge-in: silence at once, and the mouth closes in ``closing`` seconds. Sound pushed from now on follows. */
  interrupt(closing = 0): void {
    const shown = this.face?.interrupt() ?? null;
    this.say("interrupt", { shown: shown ?? undefined, closing });
  }

  /** No more sound; ``done`` resolves when the server has sent all. */
  end(): void {
    this.say("end", {});
  }

  /** Leaves at once. */
  close(): void {
    this.socket?.close(1000);
  }

  private ack(): void {
    const shown = this.face?.frame;
    if (shown === null || shown === undefined || shown + 1 <= this.acked) return;
    this.acked = shown + 1;
    this.say("ack", { frame: this.acked });
  }

  private say(type: string, fields: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, ...fields }));
  }

  private hear(reply: Reply): void {
    switch (reply.type) {
      case "header":
        this.face = new Face(reply, this.wish, this.wish.pacing !== "burst");
        this.ready.resolve(this);
        break;
      case "frames":
        this.face?.push(reply);
        break;
      case "notice":
        this.face?.notice(reply);
        if (reply.kind === "interrupted") this.acked = Math.min(this.acked, reply.first);
        this.wish.onnotice?.(reply);
        break;
      case "summary":
        if (this.face) this.face.summary = reply;
        this.settle.resolve(reply);
    }
  }

  private closed(error: VoxrigError | null): void {
    clearInterval(this.ticking);
    const left = error ?? new VoxrigError("the conversation was closed before its end", "CANCELLED");
    this.settle.reject(left); // does nothing after a summary
    this.ready.reject(left);
  }
}

/** Opens a conversation, such as ``connect("ws://127.0.0.1:52001/v1/face", { rate: 48000 })``. */
export function connect(url: string, wish: Wish): Promise<Talk> {
  return Talk.open(url, wish);
}
