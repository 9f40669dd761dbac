// The panel of style, words and life.

import type { About } from "./contract.js";
import type { Direction, Manner } from "./direction.js";
import { el, field, find, option } from "./element.js";
import { Slider } from "./slider.js";

export class DirectPanel {
  private readonly title = el("span", { class: "grow" }, "Style");
  private readonly transition: Slider;
  private readonly emotions = new Map<string, Slider>();
  private readonly intensity: Slider;
  private readonly asymmetry: Slider;
  private readonly energy: Slider;
  private readonly speaker: HTMLSelectElement;
  private readonly auto: HTMLInputElement;
  private readonly words: HTMLTextAreaElement;
  private readonly warned = el("p", { class: "warning", role: "status" });
  private readonly alive: HTMLInputElement;
  private readonly life = new Map<string, Slider>();
  private readonly seed: HTMLInputElement;
  private readonly pack: HTMLSelectElement;
  private readonly remove: HTMLButtonElement;
  private readonly base: HTMLButtonElement;

  constructor(about: About, private readonly direction: Direction) {
    const changed = (set: (manner: Manner) => void): void => {
      set(direction.manner);
      direction.onchange();
    };
    this.remove = el("button", { type: "button", class: "quiet", title: "Delete this key (Delete)", onclick: () => direction.deleteKey(direction.selected!) }, "Delete");
    this.base = el("button", { type: "button", class: "quiet", title: "The style at the start", onclick: () => direction.select(null) }, "Start");
    const reset = el("button", { type: "button", class: "quiet", title: "Everything as it was at first, keys too", onclick: () => direction.reset() }, "Reset");
    this.transition = new Slider("transition", { low: 0, high: 5, usual: 0.4, step: 0.05 }, (value) => {
      const key = direction.keys[direction.selected ?? -1];
      if (key) key.transition = value;
      direction.onchange();
    }, "Seconds to get there");
    for (const name of about.emotions) {
      this.emotions.set(name, new Slider(name, { low: 0, high: 1, usual: 0 }, (value) => changed((manner) => (manner.emotion[name] = value))));
    }
    this.intensity = new Slider("intensity", { low: 0, high: 1.5, usual: 1 }, (value) => changed((m) => (m.intensity = value)), "Of the emotion");
    this.asymmetry = new Slider("asymmetry", { low: -1, high: 1, usual: 0 }, (value) => changed((m) => (m.asymmetry = value)), "Which side leads: above 0 the face's own right");
    this.energy = new Slider("energy", { low: 0, high: 2, usual: 1 }, (value) => changed((m) => (m.energy = value)), "Effort of jaw and lips");
    this.speaker = el("select", { "aria-label": "Speaker", onchange: () => changed((m) => (m.speaker = this.speaker.value)) }, option("", "nobody's"), ...about.speakers.map((name) => option(name)));
    this.auto = el("input", { type: "checkbox", "aria-label": "Hear the emotion in the voice", onchange: () => changed((m) => (m.auto = this.auto.checked)) });
    this.words = el("textarea", { rows: 2, maxlength: 2000, "aria-label": "Direction in words", placeholder: "sceptical, then amused; looks down at the end" });
    this.words.addEventListener("input", () => {
      direction.words = this.words.value;
      direction.onchange();
    });
    this.alive = el("input", { type: "checkbox", "aria-label": "Life beside speech", onchange: () => this.live() });
    for (const name of about.idle) {
      this.life.set(name, new Slider(name, { low: 0, high: 1, usual: 1 }, (value) => {
        direction.life[name] = value;
        direction.onchange();
      }));
    }
    this.seed = el("input", { type: "number", min: 0, max: 2 ** 31 - 1, step: 1, "aria-label": "Seed", onchange: () => this.sow(Number(this.seed.value)) });
    const dice = el("button", { type: "button", title: "Another seed, another motion", "aria-label": "Another seed", onclick: () => this.sow(Math.floor(Math.random() * 100_000)) }, "⚄");
    this.pack = el("select", { "aria-label": "Pack", onchange: () => {
      direction.pack = this.pack.value;
      direction.onchange();
    } }, ...about.packs.map(({ name, lookahead }) => option(name, `${name} — hears ${Math.round(lookahead * 1000)} ms ahead`)));
    find("direct").replaceChildren(
      el("h3", {}, this.title, this.base, this.remove, reset),
      this.transition.element,
      ...[...this.emotions.values()].map((slider) => slider.element),
      el("h3", {}, "Manner"),
      this.intensity.element, this.asymmetry.element, this.energy.element,
      field("speaker", this.speaker, "Whose habits"),
      el("label", { class: "check" }, this.auto, "hear the emotion in the voice, too"),
      el("h3", {}, "Direction in words"), this.words, this.warned,
      el("h3", {}, el("label", { class: "check" }, this.alive, "Life beside speech")),
      ...[...this.life.values()].map((slider) => slider.element),
      field("seed", el("div", { class: "pair" }, this.seed, dice), "Another number, another motion"),
      el("h3", {}, "Model"),
      field("pack", this.pack, "How far it hears ahead: live packs show what a stream would"),
    );
    this.show([]);
  }

  /** What holds now, and what was not understood of the words. */
  show(warnings: string[]): void {
    const { direction } = this;
    const { manner, selected } = direction;
    const key = selected === null ? undefined : direction.keys[selected];
    this.title.textContent = key ? `Key ${selected! + 1} at ${key.at.toFixed(2)} s` : direction.keys.length > 0 ? "Style at the start" : "Style";
    this.remove.hidden = this.base.hidden = this.transition.element.hidden = !key;
    if (key) this.transition.value = key.transition;
    for (const [name, slider] of this.emotions) slider.value = manner.emotion[name] ?? 0;
    this.intensity.value = manner.intensity;
    this.asymmetry.value = manner.asymmetry;
    this.energy.value = manner.energy;
    this.speaker.value = manner.speaker;
    this.auto.checked = manner.auto;
    if (this.words.value !== direction.words) this.words.value = direction.words;
    this.warned.textContent = warnings.join(" ");
    this.warned.hidden = warnings.length === 0;
    this.alive.checked = direction.alive;
    for (const [name, slider] of this.life) {
      slider.value = direction.life[name] ?? 1;
      slider.element.hidden = !direction.alive;
    }
    this.seed.value = String(direction.seed);
    this.pack.value = direction.pack;
  }

  private live(): void {
    this.direction.alive = this.alive.checked;
    this.direction.onselect();
    this.direction.onchange();
  }

  private sow(seed: number): void {
    this.direction.seed = Number.isFinite(seed) ? Math.max(0, Math.min(2 ** 31 - 1, Math.round(seed))) : 0;
    this.seed.value = String(this.direction.seed);
    this.direction.onchange();
  }
}
