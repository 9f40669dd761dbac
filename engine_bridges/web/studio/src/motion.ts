// The frames of a take, as they come: those of a newer direction replace those that they follow.

import type { Staged } from "./contract.js";

export class Motion {
  readonly values: Float32Array; // (t, c)
  /** Of each frame, which direction it is of; 0 where none has come. */
  readonly serials: Uint32Array;
  /** Grows with every block. */
  version = 0;

  constructor(
    readonly take: string,
    readonly rig: string,
    readonly curves: readonly string[],
    readonly fps: number,
    readonly frames: number,
  ) {
    this.values = new Float32Array(frames * curves.length);
    this.serials = new Uint32Array(frames);
  }

  /** Whether frames of this stage belong in here. */
  fits(take: string, stage: Staged): boolean {
    return (
      this.take === take && this.rig === stage.rig && this.fps === stage.fps && this.frames === stage.frames &&
      this.curves.length === stage.curves.length
    );
  }

  /** Rows from frame ``first`` on. */
  put(serial: number, first: number, rows: Float32Array): void {
    const width = this.curves.length;
    const count = Math.min(rows.length / width, this.frames - first);
    if (count <= 0) return;
    this.values.set(rows.subarray(0, count * width), first * width);
    this.serials.fill(serial, first, first + count);
    this.version += 1;
  }

  /** The last frame whose moment has begun at ``seconds``. */
  frameAt(seconds: number): number {
    // What is a whole number but for rounding is that number.
    return Math.max(0, Math.min(this.frames - 1, Math.floor(seconds * this.fps + 1e-6)));
  }

  has(frame: number): boolean {
    return (this.serials[frame] ?? 0) > 0;
  }

  /** Values at a moment, in straight lines between frames, into ``out``; false where none has come. */
  sample(seconds: number, out: Float32Array): boolean {
    const width = this.curves.length;
    const low = this.frameAt(seconds);
    if (!this.has(low)) return false;
    const high = Math.min(low + 1, this.frames - 1);
    const part = this.has(high) ? Math.max(0, Math.min(1, seconds * this.fps - low)) : 0;
    for (let c = 0; c < width; c++) {
      const from = this.values[low * width + c]!;
      out[c] = from + part * (this.values[high * width + c]! - from);
    }
    return true;
  }

  /** As it is now. */
  copy(): Motion {
    const made = new Motion(this.take, this.rig, this.curves, this.fps, this.frames);
    made.values.set(this.values);
    made.serials.set(this.serials);
    return made;
  }

  /** Frames that are there from the start. */
  static of(take: string, rig: string, curves: readonly string[], fps: number, values: Float32Array): Motion {
    const made = new Motion(take, rig, curves, fps, Math.floor(values.length / Math.max(1, curves.length)));
    made.put(1, 0, values);
    return made;
  }
}
