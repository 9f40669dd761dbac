// Sound from a microphone, or any other node, in pieces of 20 ms at the context's own rate.

/** The worklet that cuts sound into pieces, as text. */
export const EAR = `
registerProcessor("voxrig-ear", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(Math.round(sampleRate / 50));
    this.held = 0;
  }
  process([input]) {
    const channels = input.length;
    for (let i = 0; channels > 0 && i < input[0].length; i++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += input[c][i];
      this.piece[this.held++] = sum / channels;
      if (this.held === this.piece.length) {
        this.port.postMessage(this.piece.slice());
        this.held = 0;
      }
    }
    return true;
  }
});`;

/**
 * Calls ``heard`` with what a node sounds, mixed to one channel. Returns a function that stops it.
 *
 * ``module`` is the address of a file with ``EAR``, for pages whose policy takes no script from a blob.
 */
export async function hear(
  source: AudioNode,
  heard: (samples: Float32Array) => void,
  module?: string,
): Promise<() => void> {
  const context = source.context as AudioContext;
  const url = module ?? URL.createObjectURL(new Blob([EAR], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } catch (error) {
    // A second time in one context the name is taken, which is fine.
    if (!(error instanceof DOMException) || error.name !== "NotSupportedError") throw error;
  } finally {
    if (module === undefined) URL.revokeObjectURL(url);
  }
  const ear = new AudioWorkletNode(context, "voxrig-ear", { numberOfOutputs: 0 });
  ear.port.onmessage = (event: MessageEvent<Float32Array>) => heard(event.data);
  source.connect(ear);
  return () => {
    ear.port.onmessage = null;
    source.disconnect(ear);
  };
}

/** Asks for the microphone and hears it. Returns a function that lets go of it. ``module``: as of ``hear``. */
export async function microphone(
  context: AudioContext,
  heard: (samples: Float32Array) => void,
  module?: string,
): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const stop = await hear(context.createMediaStreamSource(stream), heard, module);
  return () => {
    stop();
    for (const track of stream.getTracks()) track.stop();
  };
}
