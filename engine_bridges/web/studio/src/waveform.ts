// A sound's outline, at any zoom: lows and highs of blocks of samples.

const BLOCK = 256;

export class Waveform {
  readonly seconds: number;
  private readonly lows: Float32Array;
  private readonly highs: Float32Array;

  constructor(samples: Float32Array, private readonly rate: number) {
    this.seconds = samples.length / rate;
    const blocks = Math.ceil(samples.length / BLOCK);
    this.lows = new Float32Array(blocks);
    this.highs = new Float32Array(blocks);
    for (let b = 0; b < blocks; b++) {
      let low = 0;
      let high = 0;
      for (let i = b * BLOCK; i < Math.min(samples.length, (b + 1) * BLOCK); i++) {
        const sample = samples[i]!;
        if (sample < low) low = sample;
        if (sample > high) high = sample;
      }
      this.lows[b] = low;
      this.highs[b] = high;
    }
  }

  /** Lowest and highest sample between two moments, as the blocks know them. */
  between(from: number, to: number): [number, number] {
    const first = Math.max(0, Math.floor((from * this.rate) / BLOCK));
    const last = Math.min(this.lows.length - 1, Math.floor((to * this.rate) / BLOCK));
    let low = 0;
    let high = 0;
    for (let b = first; b <= last; b++) {
      if (this.lows[b]! < low) low = this.lows[b]!;
      if (this.highs[b]! > high) high = this.highs[b]!;
    }
    return [low, high];
  }
}
