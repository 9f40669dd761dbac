// The timeline: seek, zoom, and keys that are moved by hand. Drawn only when something is new.

import { find } from "./element.js";
import { paint, RULER, type Score, type Window } from "./score.js";

const CLOSEST = 0.25; // seconds that fill the width at most zoom
const GRIP = 9; // pixels around a key that take hold of it

/** What is done on a timeline. */
export interface Hands {
  seek(seconds: number): void;
  moveKey(index: number, seconds: number): void;
  select(index: number | null): void;
}

export class Timeline {
  private readonly canvas = find<HTMLCanvasElement>("timeline");
  private readonly head = find("playhead");
  private readonly paper: CanvasRenderingContext2D;
  private window: Window = { from: 0, to: 1 };
  private score: Score | null = null;
  private stale = true;
  private held: number | null = null; // key
  private at = 0;

  constructor(private readonly hands: Hands) {
    this.paper = this.canvas.getContext("2d")!;
    new ResizeObserver(() => (this.stale = true)).observe(this.canvas);
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"] as const) {
      this.canvas.addEventListener(name, () => (this.held = null));
    }
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    find("zoom-in").addEventListener("click", () => this.zoom(0.5, this.at));
    find("zoom-out").addEventListener("click", () => this.zoom(2, this.at));
    find("zoom-all").addEventListener("click", () => this.fit());
  }

  /** What is to be drawn from now on. */
  show(score: Score): void {
    const another = score.seconds !== this.score?.seconds;
    this.score = score;
    this.canvas.setAttribute("aria-valuemax", score.seconds.toFixed(2));
    if (another) this.fit();
    this.stale = true;
  }

  /** Draws what is new, and puts the playhead to a moment. */
  draw(seconds: number, playing: boolean): void {
    if (playing && this.score && (seconds > this.window.to || seconds < this.window.from)) {
      const span = this.window.to - this.window.from;
      this.place(seconds - span * 0.05, span);
    }
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (this.stale && this.score && width > 0) {
      this.stale = false;
      const ratio = devicePixelRatio;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.paper.setTransform(ratio, 0, 0, ratio, 0, 0);
      paint(this.paper, width, height, this.score, this.window);
    } else if (seconds === this.at) return;
    if (Math.abs(seconds - this.at) > 0.05) this.canvas.setAttribute("aria-valuenow", seconds.toFixed(2));
    this.at = seconds;
    const x = ((seconds - this.window.from) / (this.window.to - this.window.from)) * width;
    this.head.style.transform = `translateX(${x}px)`;
    this.head.hidden = !this.score || x < 0 || x > width;
  }

  private fit(): void {
    this.place(0, this.score?.seconds || 1);
  }

  private place(from: number, span: number): void {
    const whole = this.score?.seconds || 1;
    const wide = Math.min(whole, Math.max(Math.min(CLOSEST, whole), span));
    const left = Math.max(0, Math.min(whole - wide, from));
    this.window = { from: left, to: left + wide };
    this.stale = true;
  }

  private zoom(factor: number, around: number): void {
    const span = (this.window.to - this.window.from) * factor;
    const share = (around - this.window.from) / (this.window.to - this.window.from);
    this.place(around - span * Math.max(0, Math.min(1, share)), span);
  }

  private moment(event: MouseEvent): number {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const seconds = this.window.from + share * (this.window.to - this.window.from);
    return Math.max(0, Math.min(this.score?.seconds ?? 0, seconds));
  }

  private down(event: PointerEvent): void {
    if (!this.score || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const box = this.canvas.getBoundingClientRect();
    const perPixel = (this.window.to - this.window.from) / box.width;
    const moment = this.moment(event);
    if (event.clientY - box.top <= RULER) {
      const key = this.score.keys.findIndex(({ at }) => Math.abs(at - moment) < GRIP * perPixel);
      if (key >= 0) {
        this.held = key;
        return this.hands.select(key);
      }
    }
    this.hands.seek(moment);
  }

  private move(event: PointerEvent): void {
    if (!this.score || !this.canvas.hasPointerCapture(event.pointerId)) return;
    const moment = this.moment(event);
    if (this.held === null) return this.hands.seek(moment);
    this.hands.moveKey(this.held, moment);
    this.held = this.score.selected ?? this.held; // keys may have passed each other
  }

  private wheel(event: WheelEvent): void {
    if (!this.score) return;
    event.preventDefault();
    const span = this.window.to - this.window.from;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.place(this.window.from + (sideways / this.canvas.clientWidth) * span, span);
    } else this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.004), this.moment(event));
  }
}
