// Frames by their index, played against a clock: what arrives unevenly is shown evenly.

import type { Frames } from "./messages.js";

export interface Pace {
  /** Seconds that the first frame waits, so that later ones may be late. */
  delay: number;
  /** Seconds beyond ``delay`` that frames may lie ahead before the play-head jumps; Infinity is never. */
  ahead: number;
}

/**
 * One face's frames. ``push`` them as they come, and ask for the values of any moment of the clock.
 *
 * Frame k is shown at ``zero + k / fps``. When the buffer has run dry, and the next frames are late, ``zero``
 * moves so that they wait for ``delay`` again. Values run in straight lines between frames, and hold at the
 * ends.
 */
export class JitterBuffer {
  /** Frames that arrived after their time, and frames that never came or were jumped over. */
  late = 0;
  missed = 0;
  private blocks: Frames[] = [];
  private zero: number | null = null;
  private next = 0;
  private lowest = -Infinity;
  private readonly rows: Float32Array[];

  constructor(
    private readonly fps: number,
    private readonly widths: number[],
    private readonly pace: Pace,
  ) {
    this.rows = widths.map((width) => new Float32Array(width));
  }

  /** Adds frames that came at ``now`` (seconds of the clock). Where they were expected earlier, time is moved. */
  push(block: Frames, now: number): void {
    if (block.count === 0) return;
    if (this.zero === null) {
      this.zero = now + this.pace.delay - block.start / this.fps;
    } else {
      if (block.start > this.next) this.missed += block.start - this.next;
      if (block.start / this.fps + this.zero < now) {
        this.late += block.count;
        this.lowest = this.frameAt(now) ?? this.lowest; // hold, rather than go back
        this.zero = now + this.pace.delay - block.start / this.fps;
      }
    }
    this.cut(block.start);
    this.blocks.push(block);
    this.next = block.start + block.count;
    const newest = this.next / this.fps + this.zero;
    if (newest - now > this.pace.delay + this.pace.ahead) {
      const jump = newest - now - this.pace.delay;
      this.missed += Math.round(jump * this.fps);
      this.zero -= jump;
    }
  }

  /** Forgets frames from ``first`` on. */
  cut(first: number): void {
    while (this.blocks.length > 0) {
      const last = this.blocks[this.blocks.length - 1]!;
      if (last.start + last.count <= first) return;
      if (last.start < first) {
        last.count = first - last.start;
        return;
      }
      this.blocks.pop();
    }
  }

  /** Forgets frames from ``first`` on; it is the one that comes next. */
  restart(first: number): void {
    this.cut(first);
    this.next = first;
    this.lowest = Math.min(this.lowest, first - 1);
  }

  /** The moment of a frame, in seconds of the clock; null before the first frame. */
  timeOf(frame: number): number | null {
    return this.zero === null ? null : this.zero + frame / this.fps;
  }

  /** The frame that is shown at ``now``, with a fraction; null before the first frame is due. */
  frameAt(now: number): number | null {
    if (this.zero === null || this.blocks.length === 0) return null;
    const at = Math.max(this.lowest, (now - this.zero) * this.fps);
    const oldest = this.blocks[0]!.start;
    return at < oldest ? null : Math.min(at, this.next - 1);
  }

  /** The newest frame; -1 before the first. */
  get last(): number {
    return this.next - 1;
  }

  /** Values of every target at ``now``; null before the first frame is due. The arrays are used again. */
  sample(now: number): Float32Array[] | null {
    const at = this.frameAt(now);
    if (at === null) return null;
    while (this.blocks.length > 1 && this.blocks[1]!.start <= at) this.blocks.shift();
    const block = this.blocks[0]!;
    const below = Math.min(Math.floor(at) - block.start, block.count - 1);
    // The frame above may be in the next block, and across a gap.
    const above = below + 1 < block.count ? below + 1 : 0;
    const upper = below + 1 < block.count ? block : this.blocks[1];
    const low = block.start + below;
    const high = upper === undefined ? low : upper.start + above;
    const part = high > low ? Math.min(1, (at - low) / (high - low)) : 0;
    for (let t = 0; t < this.widths.length; t++) {
      const width = this.widths[t]!;
      const row = this.rows[t]!;
      const from = block.tracks[t]!;
      const to = (upper ?? block).tracks[t]!;
      const i = below * width;
      const j = upper === undefined ? i : above * width;
      for (let c = 0; c < width; c++) row[c] = from[i + c]! + part * (to[j + c]! - from[i + c]!);
    }
    return this.rows;
  }
}
