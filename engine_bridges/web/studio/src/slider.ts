// A slider with its name and its number; a double click, or Delete, brings back what is usual.

import { el } from "./element.js";

export interface Span {
  low: number;
  high: number;
  usual: number;
  step?: number;
}

export class Slider {
  readonly element: HTMLElement;
  private readonly range: HTMLInputElement;
  private readonly number: HTMLInputElement;

  constructor(
    label: string,
    private readonly span: Span,
    private readonly moved: (value: number) => void,
    hint = "",
  ) {
    const { low, high, usual } = span;
    const step = span.step ?? 0.01;
    const given = { min: low, max: high, step, value: usual };
    this.range = el("input", { type: "range", ...given, "aria-label": label });
    this.number = el("input", { type: "number", ...given, "aria-label": `${label}, number`, inputmode: "decimal" });
    this.range.addEventListener("input", () => this.tell(Number(this.range.value)));
    this.number.addEventListener("change", () => this.tell(Number(this.number.value)));
    this.range.addEventListener("dblclick", () => this.tell(usual));
    this.range.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.tell(usual);
    });
    const row = hint ? { class: "slider", title: hint } : { class: "slider" };
    this.element = el("div", row, el("span", {}, label), this.range, this.number);
    this.value = usual;
  }

  set value(value: number) {
    const { low, high, usual } = this.span;
    this.range.value = String(value);
    this.number.value = rounded(value);
    const share = (x: number): number => (100 * (x - low)) / (high - low);
    this.range.style.setProperty("--from", `${Math.min(share(value), share(usual))}%`);
    this.range.style.setProperty("--to", `${Math.max(share(value), share(usual))}%`);
    this.element.classList.toggle("changed", value !== usual);
  }

  private tell(value: number): void {
    const { low, high, usual } = this.span;
    const legal = Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : usual;
    this.value = legal;
    this.moved(legal);
  }
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
