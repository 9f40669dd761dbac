// One face as a page sees it: curves by name, and their values now.

import { JitterBuffer, type Pace } from "./jitter.js";
import { decode, type Frames, type Header, type Notice, type Summary } from "./messages.js";
import { wall, type Clock, type Speaker } from "./sound.js";

export interface Playing {
  /** Seconds that frames wait before they are shown, so that the network may be uneven. Default 0.06. */
  delay?: number;
  /** Plays the sound that comes with frames, and is the clock; without it faces follow the wall clock. */
  speaker?: Speaker;
}

export class Face {
  readonly curves: string[];
  /** The frame of the last ``sample``, with a fraction; null before the first. */
  at: number | null = null;
  /** What became of it, once it has ended. */
  summary: Summary | null = null;
  private readonly buffer: JitterBuffer;
  private readonly clock: Clock;
  private readonly speaker: Speaker | null;
  private readonly fps: number;
  private deaf = false;

  constructor(readonly header: Header, playing: Playing = {}, live = true) {
    this.curves = header.targets[0]!.curves;
    this.fps = header.fps[0] / header.fps[1];
    this.speaker = (header.sound && playing.speaker) || null;
    this.clock = this.speaker ?? wall;
    // Sound is never skipped, and sound that is made at once lies ahead as it should.
    const pace: Pace = { delay: playing.delay ?? 0.06, ahead: live && !this.speaker ? 0.3 : Infinity };
    this.buffer = new JitterBuffer(this.fps, header.targets.map((target) => target.curves.length), pace);
  }

  /** Values of the curves now; null before the first frame is due. The array is used again. */
  sample(target = 0): Float32Array | null {
    const now = this.clock.now();
    this.at = this.buffer.frameAt(now);
    return this.buffer.sample(now)?.[target] ?? null;
  }

  /** The frame that is shown now; null before the first. */
  get frame(): number | null {
    const at = this.buffer.frameAt(this.clock.now());
    return at === null ? null : Math.floor(at);
  }

  /** Whether it has ended, and ``sample`` has told the last of it. */
  get over(): boolean {
    return this.summary !== null && (this.at ?? -1) >= this.buffer.last;
  }

  /** Frames that came too late, and frames that never came. */
  get counts(): { late: number; missed: number } {
    return { late: this.buffer.late, missed: this.buffer.missed };
  }

  /** Frames have come. */
  push(block: Frames): void {
    if (this.deaf) return; // from before an interrupt
    // Sound is handed on earlier than it is heard: frames wait for both.
    this.buffer.push(block, this.speaker ? this.speaker.context.currentTime : this.clock.now());
    const sound = this.header.sound;
    const at = this.buffer.timeOf(block.start);
    if (sound && this.speaker && at !== null && block.sound.length > 0) {
      this.speaker.play(decode(block.sound, sound.encoding), sound.rate, at);
    }
  }

  /** Forgets what is not shown yet, until the server closes the mouth. The last frame that has begun to show. */
  interrupt(): number | null {
    const at = this.buffer.frameAt(this.clock.now());
    const shown = at === null ? null : Math.ceil(at);
    this.deaf = true;
    this.speaker?.stop();
    if (shown !== null) this.buffer.restart(shown + 1);
    return shown;
  }

  /** A notice has come. */
  notice(notice: Notice): void {
    if (notice.kind !== "interrupted") return;
    this.deaf = false;
    this.speaker?.stop();
    this.buffer.restart(notice.first);
  }
}
