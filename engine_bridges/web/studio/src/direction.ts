// How the take is to be played: a style, styles that begin later, words, and a life beside speech.

import type { About, Directed } from "./contract.js";

export interface Manner {
  emotion: Record<string, number>;
  /** 0..1.5. */
  intensity: number;
  /** -1..1. */
  asymmetry: number;
  /** 0..2. */
  energy: number;
  /** Nobody's habits if empty. */
  speaker: string;
  /** Whether emotion is heard in the voice, too. */
  auto: boolean;
}

export interface StyleKey {
  manner: Manner;
  /** Seconds. */
  at: number;
  /** Seconds to get there. */
  transition: number;
}

export function plainManner(): Manner {
  return { emotion: {}, intensity: 1, asymmetry: 0, energy: 1, speaker: "", auto: false };
}

export class Direction {
  pack = "file";
  base = plainManner();
  keys: StyleKey[] = [];
  /** Index of the key that the sliders change; null is the style at the start. */
  selected: number | null = null;
  words = "";
  alive = true;
  life: Record<string, number>;
  seed = 0;
  /** Called when frames become others. */
  onchange: () => void = () => undefined;
  /** Called when something else is to be shown, too. */
  onselect: () => void = () => undefined;

  constructor(private readonly about: About) {
    this.life = Object.fromEntries(about.idle.map((name) => [name, 1]));
    this.pack = about.packs.find((pack) => pack.name === "file")?.name ?? about.packs[0]?.name ?? "file";
  }

  /** What the sliders change. */
  get manner(): Manner {
    return this.selected === null ? this.base : (this.keys[this.selected]?.manner ?? this.base);
  }

  /** The style that holds at a moment. */
  mannerAt(seconds: number): Manner {
    return this.keys.filter((key) => key.at <= seconds).at(-1)?.manner ?? this.base;
  }

  /** A key with the style that holds there already, to be changed; an existing one within 20 ms is taken. */
  addKey(seconds: number): void {
    const near = this.keys.findIndex((key) => Math.abs(key.at - seconds) < 0.02);
    if (near >= 0) return this.select(near);
    const made = { manner: structuredClone(this.mannerAt(seconds)), at: seconds, transition: 0.4 };
    this.keys = [...this.keys, made].sort((a, b) => a.at - b.at);
    this.select(this.keys.indexOf(made));
    this.onchange();
  }

  moveKey(index: number, seconds: number): void {
    const key = this.keys[index];
    if (!key) return;
    key.at = Math.max(0, seconds);
    this.keys.sort((a, b) => a.at - b.at);
    this.select(this.keys.indexOf(key));
    this.onchange();
  }

  deleteKey(index: number): void {
    this.keys.splice(index, 1);
    this.select(null);
    this.onchange();
  }

  select(index: number | null): void {
    this.selected = index;
    this.onselect();
  }

  reset(): void {
    this.base = plainManner();
    this.keys = [];
    this.words = "";
    this.alive = true;
    this.life = Object.fromEntries(this.about.idle.map((name) => [name, 1]));
    this.seed = 0;
    this.select(null);
    this.onchange();
  }

  /** As the server wants it. */
  told(): Directed {
    return {
      pack: this.pack,
      style: style(this.base),
      keys: this.keys.map(({ manner, at, transition }) => ({ style: style(manner), at, transition })),
      direct: this.words,
      life: this.lifeTold(),
      seed: this.seed,
      smooth: null,
    };
  }

  lifeTold(): Record<string, number> | null {
    return this.alive ? { ...this.life } : null;
  }

  /** The style at the start, or of the selected key, in the fields of a conversation. */
  styleTold(): Record<string, unknown> {
    return style(this.manner);
  }
}

function style(manner: Manner): Record<string, unknown> {
  const emotion = Object.fromEntries(Object.entries(manner.emotion).filter(([, weight]) => weight > 0));
  const { intensity, asymmetry, energy, speaker } = manner;
  return { emotion, intensity, asymmetry, energy, speaker, ...(manner.auto ? { auto: {} } : {}) };
}
