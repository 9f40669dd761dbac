// The WebSocket protocol voxrig.v1 as values. Knows no socket.
//
// Frames as bytes, little-endian: u8 kind = 1, u8 face, u16 count, u32 start, u32 bytes of sound; then
// count x c float32 for each target of the face's header, a row a frame; then the sound.

export const SUBPROTOCOL = "voxrig.v1";

export type Encoding = "s16" | "f32";

export interface Style {
  /** Weights 0..1 by name: joy, anger, sadness … */
  emotion?: Record<string, number>;
  /** Of the emotion, 0..1.5; 1 if absent. */
  intensity?: number;
  /** Which side of the face leads, -1..1: above 0 the subject's own right. */
  asymmetry?: number;
  /** Effort of jaw and lips, 0..2: they barely move, or shout; 1 if absent. */
  energy?: number;
  /** Whose habits: lively, reserved, stern, warm; nobody's if absent. */
  speaker?: string;
  /** Where given, be it empty, emotion is heard in the voice, too. */
  auto?: Auto;
}

/** How much of the emotion is heard in the voice. */
export interface Auto {
  /** Of what is heard and preferred together, 0..1; 0.6 if absent. */
  strength?: number;
  /** How far the likely is above the unlikely, 0.3..3; 1 if absent. */
  contrast?: number;
  /** Emotions heard at a time, 1..6; 3 if absent. */
  most?: number;
  /** Of what was heard before in what is heard now, 0..1; 0.7 if absent. */
  blend?: number;
  /** Share of the style's own emotion, where it has any, 0..1; 0.5 if absent. */
  preferred?: number;
}

/** From sample ``at`` on, speak so. */
export interface StyleKey {
  style: Style;
  /** 0 if absent. */
  at?: number;
  /** Seconds to get there. */
  transition?: number;
}

/** What a face does beside speech. Amounts 0..1, 1 if absent: of blinks how often, of the rest how far. */
export interface Life {
  blink?: number;
  gaze?: number;
  head?: number;
  brows?: number;
  breath?: number;
}

export interface Target {
  rig: string;
  curves: string[];
}

export interface Header {
  type: "header";
  /** 0..255. */
  face: number;
  name: string;
  /** Frames a second, exactly numerator / denominator. */
  fps: [number, number];
  /** Seconds from a sound to the frame that shows it, at worst, but for computing and network. */
  latency: number;
  model: string;
  targets: Target[];
  /** Of the sound that comes with frames; null if none does. */
  sound: { rate: number; encoding: Encoding } | null;
}

export interface Frames {
  type: "frames";
  face: number;
  /** Index of the first frame. */
  start: number;
  count: number;
  /** For each target, count x curves, a row a frame. */
  tracks: Float32Array[];
  sound: Uint8Array;
}

export interface Notice {
  type: "notice";
  face: number;
  kind: "late" | "dropped" | "going_away" | "interrupted" | "silence" | "left_out";
  message: string;
  first: number;
  end: number;
  seconds: number;
}

export interface Summary {
  type: "summary";
  face: number;
  samples: number;
  frames: number;
  dropped: number;
  late: number;
  silence: number;
  lateness: number;
}

export interface Fault {
  type: "error";
  /** Name of a gRPC status: UNAUTHENTICATED, INVALID_ARGUMENT, RESOURCE_EXHAUSTED … */
  code: string;
  message: string;
  /** Seconds after which to try again, where that may help. */
  retry?: number;
}

export type Reply = Header | Frames | Notice | Summary | Fault;

const HEAD = 12;

/** What a server answers. Remembers the headers, by which frames are read. */
export class Reader {
  private readonly widths = new Map<number, number[]>();

  /** The next message; null where a newer server tells something that we do not know. Throws on garbage. */
  read(message: string | ArrayBuffer): Reply | null {
    if (typeof message !== "string") return this.unpack(message);
    const told = JSON.parse(message) as Record<string, unknown>;
    switch (told["type"]) {
      case "header": {
        const header = told as unknown as Header;
        if (!isFace(header.face) || !Array.isArray(header.targets) || !(header.fps?.[0] > 0 && header.fps[1] > 0)) {
          throw new Error("a header without face, targets or fps");
        }
        this.widths.set(header.face, header.targets.map((target) => target.curves.length));
        return header;
      }
      case "frames":
        return this.frames(told);
      case "notice":
      case "summary":
      case "error":
        return told as unknown as Notice | Summary | Fault;
      default:
        return null;
    }
  }

  private unpack(data: ArrayBuffer): Frames {
    if (data.byteLength < HEAD) throw new Error(`${data.byteLength} bytes are no frames`);
    const view = new DataView(data);
    const kind = view.getUint8(0);
    if (kind !== 1) throw new Error(`binary message of kind ${kind}; have 1`);
    const face = view.getUint8(1);
    const count = view.getUint16(2, true);
    const start = view.getUint32(4, true);
    const sound = view.getUint32(8, true);
    const widths = this.known(face);
    const values = count * widths.reduce((sum, width) => sum + width, 0);
    if (data.byteLength !== HEAD + 4 * values + sound) throw new Error("frames of another length than told");
    let at = HEAD;
    const tracks = widths.map((width) => {
      // A copy: the message is not kept, and every machine with a browser is little-endian.
      const track = new Float32Array(data.slice(at, at + 4 * count * width));
      at += track.byteLength;
      return track;
    });
    return { type: "frames", face, start, count, tracks, sound: new Uint8Array(data, at) };
  }

  private frames(told: Record<string, unknown>): Frames {
    const face = told["face"] as number;
    const widths = this.known(face);
    const values = told["values"] as number[][][];
    const count = values[0]?.length ?? 0;
    if (values.length !== widths.length) throw new Error("frames of another number of targets than told");
    const tracks = values.map((rows, i) => {
      const track = new Float32Array(rows.flat());
      if (rows.length !== count || track.length !== count * widths[i]!) throw new Error("frames of another shape than told");
      return track;
    });
    const sound = Uint8Array.from(atob((told["sound"] as string | undefined) ?? ""), (c) => c.charCodeAt(0));
    return { type: "frames", face, start: told["start"] as number, count, tracks, sound };
  }

  private known(face: number): number[] {
    const widths = this.widths.get(face);
    if (widths === undefined) throw new Error(`frames of face ${face} before its header`);
    return widths;
  }
}

/** PCM, little-endian, of samples whose full scale is [-1, 1]. */
export function encode(samples: Float32Array, encoding: Encoding): ArrayBuffer {
  if (encoding === "f32") return samples.slice().buffer as ArrayBuffer;
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32768)));
  }
  return pcm.buffer as ArrayBuffer;
}

/** Samples of PCM bytes. */
export function decode(bytes: Uint8Array, encoding: Encoding): Float32Array<ArrayBuffer> {
  const data = bytes.slice().buffer;
  if (encoding === "f32") return new Float32Array(data);
  return Float32Array.from(new Int16Array(data), (sample) => sample / 32768);
}

/** Subprotocols that open a connection. A key is percent-encoded where it is no HTTP token. */
export function subprotocols(key?: string): string[] {
  if (key === undefined) return [SUBPROTOCOL];
  const token = key.replace(/[^A-Za-z0-9!#$&'*+.^_`|~-]/g, (c) => "%" + c.charCodeAt(0).toString(16).padStart(2, "0"));
  return [SUBPROTOCOL, `voxrig.key.${token}`];
}

function isFace(face: unknown): boolean {
  return Number.isInteger(face) && (face as number) >= 0 && (face as number) < 256;
}
