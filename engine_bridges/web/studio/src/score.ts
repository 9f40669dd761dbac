// What the timeline draws: sound, words, phones, curves and keys, from top to bottom.

import type { Speech } from "./contract.js";
import type { StyleKey } from "./direction.js";
import type { Motion } from "./motion.js";
import { colour } from "./palette.js";
import type { Waveform } from "./waveform.js";

/** Everything that there is to draw. */
export interface Score {
  seconds: number;
  speech: Speech | null;
  waveform: Waveform | null;
  motion: Motion | null;
  /** Another take, drawn dashed. */
  other: Motion | null;
  /** Indices of the curves of ``motion`` that are drawn. */
  curves: number[];
  keys: readonly StyleKey[];
  selected: number | null;
}

/** Seconds at the left and right edge. */
export interface Window {
  from: number;
  to: number;
}

export const RULER = 20; // pixels from the top: seconds and keys
const WAVE = 46;
const LINE = 17; // words, phones
const INK = { text: "#9aa4b2", faint: "#2a313b", wave: "#5c7fa8", band: "#1b2028", band2: "#222832", key: "#f2b65c" };
const FONT = "11px system-ui, sans-serif";

export function paint(brush: CanvasRenderingContext2D, width: number, height: number, score: Score, window: Window): void {
  const x = (seconds: number): number => ((seconds - window.from) / (window.to - window.from)) * width;
  brush.clearRect(0, 0, width, height);
  brush.font = FONT;
  brush.textBaseline = "middle";
  ruler(brush, width, height, window, x);
  let top = RULER;
  if (score.waveform) {
    waves(brush, width, top, score.waveform, window);
    top += WAVE;
  }
  const spoken = score.speech;
  if (spoken && spoken.words.length > 0) {
    labels(brush, width, top, spoken.words.map(({ text, start, end }) => ({ label: text, start, end })), x, INK.band2);
    top += LINE;
  }
  if (spoken && spoken.phones.length > 0) {
    labels(brush, width, top, spoken.phones, x, INK.band);
    top += LINE;
  }
  if (score.motion) curves(brush, width, top + 4, height - 4, score.motion, score, window, x);
  keys(brush, height, score, x);
}

function ruler(brush: CanvasRenderingContext2D, width: number, height: number, window: Window, x: (s: number) => number): void {
  const wanted = ((window.to - window.from) / width) * 80;
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((s) => s >= wanted) ?? 300;
  brush.fillStyle = INK.text;
  brush.strokeStyle = INK.faint;
  brush.lineWidth = 1;
  brush.beginPath();
  for (let i = Math.ceil(window.from / step); i * step <= window.to; i++) {
    const at = Math.round(x(i * step)) + 0.5;
    brush.moveTo(at, 0);
    brush.lineTo(at, height);
    brush.fillText(clock(i * step, step), at + 4, RULER / 2);
  }
  brush.stroke();
}

function clock(seconds: number, step: number): string {
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  if (seconds < 60) return `${seconds.toFixed(digits)} s`;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
}

function waves(brush: CanvasRenderingContext2D, width: number, top: number, waveform: Waveform, window: Window): void {
  const step = (window.to - window.from) / width;
  const middle = top + WAVE / 2;
  brush.fillStyle = INK.wave;
  for (let px = 0; px < width; px++) {
    const from = window.from + px * step;
    if (from > waveform.seconds) break;
    const [low, high] = waveform.between(from, from + step);
    const up = high * (WAVE / 2 - 3);
    brush.fillRect(px, middle - up, 1, Math.max(1, up - low * (WAVE / 2 - 3)));
  }
}

interface Label {
  label: string;
  start: number;
  end: number;
}

function labels(
  brush: CanvasRenderingContext2D, width: number, top: number, spans: readonly Label[], x: (s: number) => number, ground: string,
): void {
  brush.textAlign = "center";
  for (const { label, start, end } of spans) {
    const left = x(start);
    const right = x(end);
    if (right < 0 || left > width) continue;
    brush.fillStyle = ground;
    brush.fillRect(left + 0.5, top + 1, Math.max(1, right - left - 1), LINE - 2);
    if (right - left < brush.measureText(label).width + 2) continue;
    brush.fillStyle = INK.text;
    brush.fillText(label, (left + right) / 2, top + LINE / 2 + 0.5);
  }
  brush.textAlign = "left";
}

function curves(
  brush: CanvasRenderingContext2D, width: number, top: number, bottom: number, motion: Motion, score: Score,
  window: Window, x: (s: number) => number,
): void {
  let low = 0;
  let high = 1;
  for (const curve of score.curves) {
    for (let f = 0; f < motion.frames; f++) {
      const value = motion.values[f * motion.curves.length + curve]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const y = (value: number): number => bottom - ((value - low) / (high - low)) * (bottom - top);
  brush.strokeStyle = "#333c48";
  brush.beginPath();
  for (const value of low < 0 ? [0, high] : [0, 0.5, 1]) {
    brush.moveTo(0, Math.round(y(value)) + 0.5);
    brush.lineTo(width, Math.round(y(value)) + 0.5);
  }
  brush.stroke();
  const names = new Map(score.other?.curves.map((name, i) => [name.toLowerCase(), i]) ?? []);
  brush.lineJoin = "round";
  for (const curve of score.curves) {
    const other = names.get(motion.curves[curve]!.toLowerCase());
    if (score.other && other !== undefined) {
      brush.setLineDash([4, 3]);
      brush.lineWidth = 1;
      trace(brush, score.other, other, window, width, x, y, colour(curve, 0.75));
      brush.setLineDash([]);
    }
    brush.lineWidth = 1.5;
    trace(brush, motion, curve, window, width, x, y, colour(curve));
  }
}

function trace(
  brush: CanvasRenderingContext2D, motion: Motion, curve: number, window: Window, width: number,
  x: (s: number) => number, y: (v: number) => number, ink: string,
): void {
  const first = Math.max(0, Math.floor(window.from * motion.fps));
  const last = Math.min(motion.frames - 1, Math.ceil(window.to * motion.fps));
  // Two points a pixel are enough: of many frames, the lowest and the highest.
  const stride = Math.max(1, Math.floor((last - first) / (2 * width)));
  brush.strokeStyle = ink;
  brush.beginPath();
  let drawing = false;
  for (let frame = first; frame <= last; frame += stride) {
    if (!motion.has(frame)) {
      drawing = false;
      continue;
    }
    let value = motion.values[frame * motion.curves.length + curve]!;
    for (let f = frame + 1; f < Math.min(frame + stride, last); f++) {
      const here = motion.values[f * motion.curves.length + curve]!;
      if (Math.abs(here) > Math.abs(value)) value = here;
    }
    if (drawing) brush.lineTo(x(frame / motion.fps), y(value));
    else brush.moveTo(x(frame / motion.fps), y(value));
    drawing = true;
  }
  brush.stroke();
}

function keys(brush: CanvasRenderingContext2D, height: number, score: Score, x: (s: number) => number): void {
  score.keys.forEach((key, i) => {
    const at = x(key.at);
    const until = x(key.at + key.transition);
    brush.fillStyle = "rgb(242 182 92 / 10%)";
    brush.fillRect(at, RULER, until - at, height - RULER);
    brush.strokeStyle = "rgb(242 182 92 / 55%)";
    brush.lineWidth = 1;
    brush.beginPath();
    brush.moveTo(Math.round(at) + 0.5, RULER);
    brush.lineTo(Math.round(at) + 0.5, height);
    brush.stroke();
    brush.beginPath();
    for (const [dx, dy] of [[0, -7], [7, 0], [0, 7], [-7, 0]] as const) brush.lineTo(at + dx, RULER / 2 + 1 + dy);
    brush.closePath();
    brush.fillStyle = i === score.selected ? INK.key : "#8a6a3a";
    brush.fill();
    brush.strokeStyle = INK.key;
    brush.stroke();
  });
}
