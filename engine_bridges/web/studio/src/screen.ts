// A film in the place of the face: what a renderer of the server drew, in step with the sound that the page plays.

import { el, find } from "./element.js";

const FAR = 0.15; // s from the sound at which a film jumps; less is caught up with
const HASTE = 0.1; // of its speed, at most, to catch up

export class Screen {
  private readonly film = el("video", { playsinline: true, "aria-label": "Film of the take" });
  private readonly name = el("span");
  private readonly box: HTMLElement;
  private address: string | null = null;

  constructor() {
    this.film.muted = true; // the take is heard from the player
    const close = el("button", { type: "button", onclick: () => this.close() }, "Back to the face");
    this.box = el("div", { class: "screen", hidden: true }, this.film, el("div", { class: "caption" }, this.name, close));
    find("view").after(this.box);
  }

  get shown(): boolean {
    return this.address !== null;
  }

  /** Where the picture is, in seconds; for measuring. */
  get position(): number {
    return this.film.currentTime;
  }

  show(film: Blob, name: string): void {
    this.close();
    this.address = URL.createObjectURL(film);
    this.film.src = this.address;
    this.name.textContent = `${name}, as it was directed then`;
    this.box.hidden = false;
  }

  close(): void {
    if (this.address === null) return;
    this.box.hidden = true;
    this.film.removeAttribute("src");
    this.film.load(); // or it would keep what it has decoded
    URL.revokeObjectURL(this.address);
    this.address = null;
  }

  /** Goes along with the sound. */
  follow(seconds: number, playing: boolean, speed: number): void {
    if (!this.shown || this.film.readyState < HTMLMediaElement.HAVE_METADATA || this.film.seeking) return;
    const behind = Math.min(seconds, this.film.duration - 0.001) - this.film.currentTime;
    if (Math.abs(behind) > FAR || (!playing && Math.abs(behind) > 0.01)) this.film.currentTime += behind;
    this.film.playbackRate = speed * (1 + Math.max(-HASTE, Math.min(HASTE, behind)));
    if (playing && this.film.paused && !this.film.ended) void this.film.play().catch(() => undefined);
    else if (!playing && !this.film.paused) this.film.pause();
  }
}
