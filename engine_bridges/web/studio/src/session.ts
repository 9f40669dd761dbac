// What is being worked on: a take, how it is directed, its frames, and a second take beside it.

import type { About, Curves, Speech, Staged, Take } from "./contract.js";
import { Direction } from "./direction.js";
import { Library } from "./library.js";
import { Motion } from "./motion.js";
import { Player } from "./player.js";
import * as server from "./server.js";
import type { Ask, Stage } from "./stage.js";
import { readWav } from "./wav.js";
import { Waveform } from "./waveform.js";

export class Session {
  readonly library: Library;
  readonly player = new Player();
  readonly direction: Direction;
  take: Take | null = null;
  waveform: Waveform | null = null;
  /** Frames of the take, and of what it is compared with. */
  a: Motion | null = null;
  b: Motion | null = null;
  /** Whether b moves the face. */
  other = false;
  rig = "arkit";
  fps = 60;
  warnings: string[] = [];
  /** Called when there is something else to be seen. */
  onchange: () => void = () => undefined;
  private wanted = 0; // takes asked for; a later one wins

  constructor(readonly about: About) {
    this.library = new Library(about.limits.takes);
    this.direction = new Direction(about);
  }

  /** The frames that move the face. */
  get shown(): Motion | null {
    return this.other && this.b ? this.b : this.a;
  }

  /** Takes up a take, from its start. */
  async open(take: Take): Promise<void> {
    const turn = ++this.wanted;
    this.player.pause();
    if (take.kind === "curves") {
      const motion = await motionOf(take);
      if (turn !== this.wanted) return;
      this.player.load({ samples: new Float32Array(Math.ceil(take.seconds * 8000)), rate: 8000 });
      this.waveform = null;
      this.a = motion;
    } else {
      const sound = readWav(await server.sound(take.id));
      if (turn !== this.wanted) return;
      this.player.load(sound);
      this.waveform = new Waveform(sound.samples, sound.rate);
      this.a = null;
    }
    this.take = take;
    this.warnings = [];
    this.other = false;
    this.direction.keys = this.direction.keys.filter((key) => key.at < take.seconds);
    this.direction.select(null);
    this.onchange();
  }

  /** What to ask the stage for, from the playhead on; null where nothing is to be asked. */
  ask(): Ask | null {
    if (this.take?.kind !== "speech") return null;
    const from = Math.min(this.player.position(), Math.max(0, this.take.seconds - 1 / this.fps));
    return { take: this.take.id, rig: this.rig, fps: this.fps, direction: this.direction.told(), from };
  }

  /** Frames of a new direction are on their way: they go over those that are there. */
  staged(stage: Staged, ask: Ask): void {
    if (ask.take !== this.take?.id) return;
    this.warnings = stage.warnings;
    if (!this.a?.fits(ask.take, stage)) this.a = new Motion(ask.take, stage.rig, stage.curves, stage.fps, stage.frames);
    this.onchange();
  }

  block(serial: number, first: number, rows: Float32Array): void {
    if (this.take?.kind !== "speech" || !this.a) return;
    this.a.put(serial, first, rows);
    this.onchange();
  }

  /** Keeps what is there now as b. */
  pin(): void {
    this.b = this.a?.copy() ?? null;
    this.onchange();
  }

  async openB(file: Blob, name: string): Promise<void> {
    this.b = await motionOf(await this.library.curves(file, name));
    this.onchange();
  }

  clearB(): void {
    this.b = null;
    this.other = false;
    this.onchange();
  }

  toggle(): void {
    this.other = this.b !== null && !this.other;
    this.onchange();
  }

  /** The server is there again, perhaps without our takes: tells it all that is needed. */
  async resume(stage: Stage): Promise<void> {
    if (!this.take) return;
    const before = this.take.id;
    this.take = await this.library.restore(before);
    if (this.a && this.take.id !== before) this.a = Object.assign(this.a.copy(), { take: this.take.id });
    this.onchange();
    stage.direct(() => this.ask());
  }
}

async function motionOf(curves: Curves): Promise<Motion> {
  return Motion.of(curves.id, curves.rig, curves.curves, curves.fps, await server.frames(curves.id));
}

/** How a take is called in a list. */
export function titled(take: Speech | Curves): string {
  return `${take.name} · ${take.seconds.toFixed(1)} s${take.kind === "curves" ? ` · ${take.rig} curves` : ""}`;
}
