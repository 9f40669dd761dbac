// What the studio's server and its page tell each other.

export interface Pack {
  name: string;
  /** Seconds. */
  lookahead: number;
  live: boolean;
}

export interface Format {
  name: string;
  suffix: string;
  description: string;
  /** Null is any. */
  rigs: string[] | null;
  default_rig: string;
  options: string[];
}

export interface Voice {
  name: string;
  language: string;
  description?: string;
}

export interface Receiver {
  scheme: string;
  example: string;
  note: string;
}

export interface About {
  version: string;
  limits: { upload: number; seconds: number; takes: number };
  emotions: string[];
  speakers: string[];
  idle: string[];
  packs: Pack[];
  rigs: { name: string; curves: string[] }[];
  formats: Format[];
  /** Names of formats. */
  readable: string[];
  voices: Voice[];
  voices_hint?: string;
  receivers: Receiver[];
  renderers: string[];
  renderers_hint?: string;
  sample: boolean;
}

export interface Speech {
  id: string;
  kind: "speech";
  name: string;
  seconds: number;
  text: string;
  words: { text: string; start: number; end: number }[];
  phones: { label: string; start: number; end: number }[];
}

export interface Curves {
  id: string;
  kind: "curves";
  name: string;
  seconds: number;
  rig: string;
  curves: string[];
  fps: number;
  frames: number;
}

export type Take = Speech | Curves;

export interface Link {
  id: string;
  url: string;
  rig: string;
  state: "idle" | "sending" | "failed";
  frames: number;
  fps: number;
  /** Seconds since the last that was sent. */
  age: number | null;
  error: string | null;
  note?: string;
}

export interface Job {
  id: string;
  state: "working" | "done" | "failed";
  /** 0..1. */
  progress: number;
  error?: string | null;
}

/** How a take is played, as the server wants it. */
export interface Directed {
  pack: string;
  style: Record<string, unknown>;
  keys: { style: Record<string, unknown>; at: number; transition: number }[];
  direct: string;
  life: Record<string, number> | null;
  seed: number;
  smooth: number | null;
}

export interface Staged {
  type: "stage";
  serial: number;
  rig: string;
  curves: string[];
  fps: number;
  frames: number;
  warnings: string[];
}
