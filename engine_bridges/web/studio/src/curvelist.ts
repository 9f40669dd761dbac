// The list of curves: what is searched, what is drawn, what stands alone.

import { el, find } from "./element.js";
import { colour, searched } from "./palette.js";

const FIRST = ["jawopen", "mouthclose", "mouthfunnel", "mouthsmileleft", "browinnerup", "eyeblinkleft", "aa", "ou", "blink", "happy", "joy"];

export class CurveList {
  /** Called when other curves are to be drawn. */
  onchange: () => void = () => undefined;
  private readonly list = find("curves");
  private readonly query = find<HTMLInputElement>("search");
  private curves: readonly string[] = [];
  private rows: HTMLElement[] = [];
  private values: HTMLElement[] = [];
  private drawn = new Set<number>();
  private alone: Set<number> | null = null; // what was drawn before one stood alone
  private anchor = 0;
  private shownAt = 0;

  constructor() {
    this.query.addEventListener("input", () => this.filter());
    this.query.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.choose(this.found(), true);
      if (event.key === "Escape") {
        this.query.value = "";
        this.filter();
      }
    });
    find("draw-found").addEventListener("click", () => this.choose(this.found(), true));
    find("draw-none").addEventListener("click", () => this.choose([], true));
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  /** Indices of the curves that are drawn. */
  get visible(): number[] {
    return [...this.drawn].sort((a, b) => a - b);
  }

  /** The curves of another rig; those of the same name stay drawn. */
  show(curves: readonly string[]): void {
    if (curves.length === this.curves.length && curves.every((name, i) => name === this.curves[i])) return;
    const before = new Set([...this.drawn].map((i) => this.curves[i]!.toLowerCase()));
    this.curves = curves;
    const kept = curves.flatMap((name, i) => (before.has(name.toLowerCase()) ? [i] : []));
    const first = curves.flatMap((name, i) => (FIRST.includes(name.toLowerCase()) ? [i] : []));
    this.drawn = new Set(kept.length > 0 ? kept : first.length > 0 ? first : curves.slice(0, 5).map((_, i) => i));
    this.alone = null;
    this.values = [];
    this.rows = curves.map((name, i) => this.row(name, i));
    this.list.replaceChildren(...this.rows);
    this.filter();
    this.mark();
  }

  /** Numbers beside the names, ten times a second at most. */
  tell(values: Float32Array, now: number): void {
    if (now - this.shownAt < 100) return;
    this.shownAt = now;
    for (let i = 0; i < this.values.length; i++) {
      const text = (values[i] ?? 0).toFixed(2);
      if (this.values[i]!.textContent !== text) this.values[i]!.textContent = text;
    }
  }

  private row(name: string, i: number): HTMLElement {
    const value = el("span", { class: "value" }, "0.00");
    this.values.push(value);
    const swatch = el("span", { class: "swatch", style: `--colour:${colour(i)}` });
    const box = el("button", {
      type: "button", class: "curve", role: "option", "aria-selected": "false",
      "aria-label": `${name}: draw this curve`,
      onclick: ((event: MouseEvent) => this.click(i, event)) as EventListener,
    }, swatch, el("span", { class: "name" }, name), value);
    const solo = el("button", {
      type: "button", class: "solo", "aria-label": `${name}: draw it alone`, "aria-pressed": "false",
      title: "Alone", onclick: () => this.solo(i),
    }, "S");
    return el("div", { class: "row", role: "presentation" }, box, solo);
  }

  private click(i: number, event: MouseEvent): void {
    if (event.shiftKey) {
      const [low, high] = [Math.min(i, this.anchor), Math.max(i, this.anchor)];
      const range = this.found().filter((j) => j >= low && j <= high);
      return this.choose([...this.drawn, ...range], true);
    }
    this.anchor = i;
    if (event.altKey) return this.solo(i);
    const next = new Set(this.drawn);
    if (!next.delete(i)) next.add(i);
    this.choose([...next], true);
  }

  private solo(i: number): void {
    const over = this.alone !== null && this.drawn.size === 1 && this.drawn.has(i);
    const before = this.alone ?? new Set(this.drawn);
    this.choose(over ? [...before] : [i], false);
    this.alone = over ? null : before;
    this.mark();
  }

  private choose(curves: number[], settled: boolean): void {
    this.drawn = new Set(curves);
    if (settled) this.alone = null;
    this.mark();
    this.onchange();
  }

  private mark(): void {
    this.rows.forEach((row, i) => {
      const [box, solo] = row.children as unknown as [HTMLElement, HTMLElement];
      box.setAttribute("aria-selected", String(this.drawn.has(i)));
      solo.setAttribute("aria-pressed", String(this.alone !== null && this.drawn.has(i)));
    });
    find("drawn-count").textContent = `${this.drawn.size} of ${this.curves.length}`;
  }

  private found(): number[] {
    const test = searched(this.query.value);
    return this.curves.flatMap((name, i) => (test(name) ? [i] : []));
  }

  private filter(): void {
    const found = new Set(this.found());
    this.rows.forEach((row, i) => (row.hidden = !found.has(i)));
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const shown = this.rows.filter((row) => !row.hidden);
    const at = shown.findIndex((row) => row.contains(document.activeElement));
    const next = shown[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    (next.firstElementChild as HTMLElement).focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
