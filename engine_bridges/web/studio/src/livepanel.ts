// The panel of the live microphone.

import type { About } from "./contract.js";
import type { Direction } from "./direction.js";
import { el, field, find, option } from "./element.js";
import { Live } from "./live.js";
import { attempt, toast } from "./toast.js";

export class LivePanel {
  /** The conversation that moves the face now; null where the take does. */
  live: Live | null = null;
  private readonly button: HTMLButtonElement;
  private readonly pack: HTMLSelectElement;
  private readonly meter = el("div");
  private readonly whole = el("dd", {}, "—");
  private readonly parts = el("dd", {}, "—");
  private readonly frames = el("dd", {}, "—");
  private starting = false;

  /** ``rig`` is what the face is best driven by; ``changed`` is called when live begins or is over. */
  constructor(
    about: About,
    private readonly direction: Direction,
    private readonly rig: () => string,
    private readonly changed: () => void,
  ) {
    const packs = about.packs.filter(({ live }) => live);
    this.pack = el("select", { "aria-label": "Live pack" }, ...packs.map(({ name, lookahead }) => option(name, `${name} — ${Math.round(lookahead * 1000)} ms`)));
    this.button = el("button", { type: "button", class: "primary", "aria-pressed": "false", onclick: () => void attempt(() => this.toggle()) }, "Start the microphone");
    find("live").replaceChildren(
      el("p", { class: "faint" }, "The face speaks with you. Style and life of the Direct tab hold here, too; recordings and engines do not follow."),
      field("pack", this.pack), this.button,
      el("div", { class: "bar", "aria-label": "Level", role: "meter" }, this.meter),
      el("dl", { class: "readout" },
        el("dt", {}, "from voice to face"), this.whole, el("dt", {}, "of that"), this.parts, el("dt", {}, "frames"), this.frames),
    );
  }

  /** The sliders moved. */
  style(): void {
    this.live?.style(this.direction.styleTold());
  }

  /** Numbers, a few times a second. */
  show(): void {
    if (!this.live) return;
    const { whole, lookahead, waiting } = this.live.latency;
    this.meter.style.width = `${Math.round(Math.min(1, this.live.level) * 100)}%`;
    this.whole.textContent = whole > 0 ? `${whole.toFixed(0)} ms` : "—";
    const network = Math.max(0, whole - lookahead - waiting);
    this.parts.textContent = `lookahead ${lookahead.toFixed(0)}, buffer ${waiting.toFixed(0)}, network ${network.toFixed(0)} ms`;
    const { frame, dropped } = this.live;
    this.frames.textContent = dropped > 0 ? `${frame + 1}, ${dropped} left out: the server is too slow` : String(frame + 1);
  }

  async toggle(): Promise<void> {
    if (this.starting) return;
    if (this.live) return this.stop();
    this.starting = true;
    try {
      const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/face`;
      const { seed } = this.direction;
      const wanted = { url, pack: this.pack.value, rig: this.rig(), style: this.direction.styleTold(), life: this.direction.lifeTold(), seed };
      this.live = await Live.start(wanted, (sentence) => {
        if (sentence) toast(sentence);
        void this.stop();
      });
    } finally {
      this.starting = false;
      this.mark();
    }
  }

  async stop(): Promise<void> {
    const live = this.live;
    this.live = null;
    this.mark();
    await live?.stop();
  }

  private mark(): void {
    this.button.textContent = this.live ? "Stop the microphone" : "Start the microphone";
    this.button.setAttribute("aria-pressed", String(this.live !== null));
    if (!this.live) this.meter.style.width = "0";
    this.changed();
  }
}
