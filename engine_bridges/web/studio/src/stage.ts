// The socket that frames come by. Opens again by itself, and asks no more often than every 50 ms.

import type { Directed, Link, Staged } from "./contract.js";

const SPACING = 50; // ms between directions
const FIRST_PAUSE = 250; // ms before it is tried again, doubling
const LONGEST_PAUSE = 4000;

export interface Ask {
  take: string;
  rig: string;
  fps: number;
  direction: Directed;
  /** Seconds; frames from there come first. */
  from: number;
}

export interface Clock {
  playing: boolean;
  take: string;
  serial: number;
  /** Seconds. */
  at: number;
  speed: number;
}

/** What is heard from the stage. */
export interface Audience {
  connected(again: boolean): void;
  lost(): void;
  staged(stage: Staged, ask: Ask): void;
  block(serial: number, first: number, rows: Float32Array): void;
  /** Milliseconds from the wish to its first frames. */
  answered(milliseconds: number): void;
  refused(sentence: string): void;
  links(links: Link[]): void;
}

export class Stage {
  serial = 0;
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE;
  private wished: (() => Ask | null) | null = null;
  private wishedAt = 0;
  private asked = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting = new Map<number, { ask: Ask; at: number }>();
  private opened = false;
  private width = 0;
  private expected = 0;

  constructor(
    private readonly url: string,
    private readonly audience: Audience,
  ) {}

  open(): void {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      const again = this.opened;
      this.opened = true;
      this.audience.connected(again);
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.hear(event.data);
    socket.onclose = () => this.closed(socket);
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Asks for frames when it may. ``wish`` is asked at the last moment; null is none after all. */
  direct(wish: () => Ask | null): void {
    if (this.wished === null) this.wishedAt = performance.now();
    this.wished = wish;
    if (this.timer !== undefined) return;
    const wait = this.asked + SPACING - performance.now();
    if (wait <= 0) this.send();
    else this.timer = setTimeout(() => this.send(), wait);
  }

  clock(clock: Clock): void {
    this.say({ type: "clock", ...clock });
  }

  private send(): void {
    this.timer = undefined;
    if (!this.connected) return; // asked again when it is open
    const ask = this.wished?.() ?? null;
    this.wished = null;
    if (ask === null) return;
    this.serial += 1;
    this.asked = performance.now();
    this.waiting.clear(); // a later one replaces the one before
    this.waiting.set(this.serial, { ask, at: this.wishedAt });
    this.say({ type: "direct", serial: this.serial, ...ask });
  }

  private say(message: object): void {
    if (this.connected) this.socket!.send(JSON.stringify(message));
  }

  private hear(data: string | ArrayBuffer): void {
    if (typeof data !== "string") return this.unpack(data);
    const told = JSON.parse(data) as { type: string; serial?: number; error?: string; links?: Link[] };
    const waiting = this.waiting.get(told.serial ?? 0);
    if (told.type === "links") this.audience.links(told.links ?? []);
    else if (told.type === "error") this.audience.refused(told.error ?? "the server refused this direction");
    else if (told.type === "stage" && waiting) {
      const stage = told as unknown as Staged;
      this.width = stage.curves.length;
      this.expected = stage.serial;
      this.audience.staged(stage, waiting.ask);
    }
  }

  private unpack(data: ArrayBuffer): void {
    const [serial, first, count] = new Uint32Array(data, 0, 4) as unknown as [number, number, number];
    if (serial !== this.expected || data.byteLength !== 16 + 4 * count * this.width) return;
    const waiting = this.waiting.get(serial);
    this.audience.block(serial, first, new Float32Array(data, 16));
    if (waiting && waiting.at > 0) {
      this.audience.answered(performance.now() - waiting.at);
      waiting.at = 0;
    }
  }

  private closed(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.audience.lost();
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }
}
