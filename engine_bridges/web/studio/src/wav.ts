// Sound as WAV files have it: 16-bit PCM, one channel.

/** A WAV file of samples, full scale [-1, 1]. */
export function writeWav(samples: Float32Array, rate: number): Blob {
  const data = new ArrayBuffer(44 + 2 * samples.length);
  const view = new DataView(data);
  const letters = (at: number, text: string): void => {
    for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
  };
  letters(0, "RIFF");
  view.setUint32(4, data.byteLength - 8, true);
  letters(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); // bytes of a sample of all channels
  view.setUint16(34, 16, true); // bits
  letters(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32768))), true);
  }
  return new Blob([data], { type: "audio/wav" });
}

/** The samples of a WAV file of 16-bit PCM with one channel. Throws on anything else. */
export function readWav(data: ArrayBuffer): { samples: Float32Array<ArrayBuffer>; rate: number } {
  const view = new DataView(data);
  const word = (at: number): string => String.fromCharCode(...new Uint8Array(data, at, 4));
  let rate = 0;
  for (let at = 12; at + 8 <= data.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (word(at) === "fmt ") {
      rate = view.getUint32(at + 12, true);
      const plain = view.getUint16(at + 10, true) === 1 && view.getUint16(at + 22, true) === 16;
      if (!plain) throw new Error("the server's sound is no 16-bit WAV with one channel");
    } else if (word(at) === "data" && rate > 0) {
      const count = Math.floor(Math.min(size, data.byteLength - at - 8) / 2);
      const samples = new Float32Array(count);
      for (let i = 0; i < count; i++) samples[i] = view.getInt16(at + 8 + 2 * i, true) / 32768;
      return { samples, rate };
    }
    at += 8 + size + (size & 1);
  }
  throw new Error("the server's sound is no WAV");
}
