// The sound of a take, and the clock that the face follows.

/** Plays one sound. Positions are seconds in it; what counts is what is heard, not what was handed on. */
export class Player {
  /** Called when playing begins, stops or jumps. */
  onmove: () => void = () => undefined;
  private context: AudioContext | null = null;
  private tap: AnalyserNode | null = null;
  private buffer: AudioBuffer | null = null;
  private source: AudioBufferSourceNode | null = null;
  private rate = 1;
  private round = false;
  private from = 0; // position at which the source began
  private began = 0; // moment of the context at which it did
  private rested = 0; // position while nothing plays
  private latest = 0;

  get playing(): boolean {
    return this.source !== null;
  }

  get seconds(): number {
    return this.buffer?.duration ?? 0;
  }

  get speed(): number {
    return this.rate;
  }

  /** Another sound; null is none. The position is kept where it is still inside. */
  load(sound: { samples: Float32Array<ArrayBuffer>; rate: number } | null): void {
    this.halt();
    this.buffer = null;
    if (sound && sound.samples.length > 0) {
      this.buffer = new AudioBuffer({ length: sound.samples.length, sampleRate: sound.rate });
      this.buffer.copyToChannel(sound.samples, 0);
    }
    this.rested = 0;
    this.onmove();
  }

  async play(): Promise<void> {
    if (!this.buffer || this.playing) return;
    const context = this.opened();
    if (context.state !== "running") await context.resume();
    if (!this.buffer || this.playing) return; // while it woke
    if (this.rested >= this.seconds - 1e-3) this.rested = 0;
    this.start(this.rested);
    this.onmove();
  }

  pause(): void {
    if (!this.playing) return;
    this.rested = this.position();
    this.halt();
    this.onmove();
  }

  seek(seconds: number): void {
    const to = Math.max(0, Math.min(this.seconds, seconds));
    if (this.playing) {
      this.halt();
      this.start(Math.min(to, Math.max(0, this.seconds - 0.01)));
    }
    this.rested = to;
    this.onmove();
  }

  set speed(speed: number) {
    this.again(() => (this.rate = speed));
  }

  get loop(): boolean {
    return this.round;
  }

  set loop(loop: boolean) {
    this.again(() => (this.round = loop));
  }

  /** Seconds of the sound that are heard now. Stops by itself at the end. */
  position(): number {
    if (!this.source || !this.context) return this.rested;
    const heard = this.context.currentTime - (this.context.outputLatency || this.context.baseLatency || 0);
    // Browsers correct the way to the ear now and then, but time goes on.
    this.latest = Math.max(this.latest, heard);
    const at = this.from + Math.max(0, this.latest - this.began) * this.rate;
    if (this.loop) return at % this.seconds;
    if (at < this.seconds) return at;
    this.ended();
    return this.rested;
  }

  /** What is handed to the output now, the newest last, and the seconds until it is heard. For measuring. */
  listen(): { samples: Float32Array; rate: number; latency: number } | null {
    if (!this.context || !this.tap) return null;
    const samples = new Float32Array(this.tap.fftSize);
    this.tap.getFloatTimeDomainData(samples);
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    return { samples, rate: this.context.sampleRate, latency };
  }

  private opened(): AudioContext {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.tap = new AnalyserNode(this.context, { fftSize: 4096 });
      this.tap.connect(this.context.destination);
    }
    return this.context;
  }

  private start(from: number): void {
    const context = this.opened();
    const source = new AudioBufferSourceNode(context, {
      buffer: this.buffer, loop: this.round, playbackRate: this.rate,
    });
    source.connect(this.tap!);
    this.began = context.currentTime + 0.01; // ahead of what is being rendered, so that it begins just then
    this.latest = 0;
    this.from = from;
    this.source = source;
    source.start(this.began, from);
  }

  /** Changes how it plays, and goes on from where it is. */
  private again(change: () => unknown): void {
    const at = this.position();
    const playing = this.playing;
    this.halt();
    change();
    if (playing) this.start(at);
    else this.rested = at;
    this.onmove();
  }

  private ended(): void {
    this.halt();
    this.rested = this.seconds;
    this.onmove();
  }

  private halt(): void {
    if (!this.source) return;
    this.source.stop();
    this.source.disconnect();
    this.source = null;
  }
}
