// Sound in step with frames: what is heard, and the clock that both follow.

export interface Clock {
  /** Seconds; grows evenly. */
  now(): number;
}

/** The clock where there is no sound. */
export const wall: Clock = { now: () => performance.now() / 1000 };

/** Plays pieces of sound at moments of an AudioContext, and tells which moment is heard now. */
export class Speaker implements Clock {
  private readonly playing = new Set<AudioBufferSourceNode>();
  private until = 0;
  private latest = 0;

  /** ``output`` is where the sound goes; the context's destination if absent. */
  constructor(
    readonly context: AudioContext,
    private readonly output: AudioNode = context.destination,
  ) {}

  /** Seconds of the context that are heard now: those that it plays, less the way to the ear. */
  now(): number {
    // Browsers correct the way's length now and then, but time goes on.
    const heard = this.context.currentTime - (this.context.outputLatency || this.context.baseLatency || 0);
    return (this.latest = Math.max(this.latest, heard));
  }

  /** Plays samples at a moment of the context; a piece that follows the last to 2 ms joins it without a seam. */
  play(samples: Float32Array<ArrayBuffer>, rate: number, at: number): void {
    if (samples.length === 0) return;
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.output);
    const begin = Math.abs(at - this.until) < 0.002 ? this.until : at;
    const lost = Math.max(0, this.context.currentTime - begin);
    this.until = begin + buffer.duration;
    if (lost >= buffer.duration) return;
    source.onended = () => this.playing.delete(source);
    this.playing.add(source);
    source.start(begin + lost, lost);
  }

  /** Silence, at once. */
  stop(): void {
    for (const source of this.playing) source.stop();
    this.playing.clear();
    this.until = 0;
  }
}
