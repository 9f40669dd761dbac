// The row of playing: buttons, keys of the keyboard, numbers.

import { find, icon } from "./element.js";
import type { Session } from "./session.js";
import { attempt } from "./toast.js";

const DRAWN = {
  play: "M4 2.5v11l9-5.5z", pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z", home: "M3 2.5h2v11H3zM13 2.5v11L5.5 8z",
  end: "M11 2.5h2v11h-2zM3 2.5v11L10.5 8z",
  loop: "M4 4h6V1.8L13.6 5 10 8.2V6H5v3H3V5a1 1 0 0 1 1-1zm8 8H6v2.2L2.4 11 6 7.8V10h5V7h2v4a1 1 0 0 1-1 1z",
};

/** What keys do that are not of the transport. */
export interface Shortcuts {
  front(): void;
  help(): void;
}

export class Transport {
  private readonly play = find<HTMLButtonElement>("play");
  private readonly loop = find("loop");
  private drawn = "";

  constructor(private readonly session: Session, shortcuts: Shortcuts) {
    find("home").append(icon(DRAWN.home));
    find("end").append(icon(DRAWN.end));
    this.loop.append(icon(DRAWN.loop));
    this.play.addEventListener("click", () => this.toggle());
    find("home").addEventListener("click", () => session.player.seek(0));
    find("end").addEventListener("click", () => session.player.seek(session.player.seconds));
    this.loop.addEventListener("click", () => this.round());
    find("key").addEventListener("click", () => this.key());
    const speed = find<HTMLSelectElement>("speed");
    speed.addEventListener("change", () => (session.player.speed = Number(speed.value)));
    find("ab").addEventListener("click", () => session.toggle());
    find("pin").addEventListener("click", () => session.pin());
    find("clear-b").addEventListener("click", () => session.clearB());
    const file = find<HTMLInputElement>("file-b");
    find("open-b").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) void attempt(() => session.openB(chosen, chosen.name));
      file.value = "";
    });
    addEventListener("keydown", (event) => this.press(event, shortcuts));
    // After a click with the mouse the space bar plays, rather than clicking again.
    addEventListener("click", (event) => {
      const button = (event.target as Element).closest("button");
      if (button && event.detail > 0 && !button.closest("dialog")) button.blur();
    });
  }

  /** The numbers and the state of the buttons. */
  show(seconds: number, frame: number): void {
    const { player, a, b, take, other } = this.session;
    const [name, path] = player.playing ? (["Pause", DRAWN.pause] as const) : (["Play", DRAWN.play] as const);
    if (this.drawn !== name) {
      this.drawn = name;
      this.play.replaceChildren(icon(path));
      this.play.setAttribute("aria-label", name);
    }
    const speech = take?.kind === "speech";
    say("time", seconds.toFixed(2));
    say("length", ` / ${player.seconds.toFixed(2)} s`);
    say("frame", a ? `frame ${frame}` : "");
    find<HTMLButtonElement>("key").disabled = !speech;
    find<HTMLButtonElement>("pin").disabled = !a;
    find<HTMLButtonElement>("ab").disabled = !b;
    find<HTMLButtonElement>("clear-b").disabled = !b;
    find("ab").setAttribute("aria-pressed", String(other));
    for (const id of ["play", "home", "end"]) find<HTMLButtonElement>(id).disabled = !take;
    const which = find("which");
    which.hidden = !b;
    which.dataset["which"] = other ? "B" : "A";
    say("which", other ? "B" : "A");
  }

  private toggle(): void {
    const { player } = this.session;
    if (player.playing) player.pause();
    else void attempt(() => player.play());
  }

  private round(): void {
    const { player } = this.session;
    player.loop = !player.loop;
    this.loop.setAttribute("aria-pressed", String(player.loop));
  }

  private key(): void {
    const { session } = this;
    if (session.take?.kind === "speech") session.direction.addKey(session.player.position());
  }

  private step(frames: number): void {
    const { player, fps } = this.session;
    const rate = this.session.shown?.fps ?? fps;
    player.pause();
    player.seek((Math.round(player.position() * rate) + frames) / rate);
  }

  private press(event: KeyboardEvent, shortcuts: Shortcuts): void {
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog, textarea, input:not([type=range]):not([type=checkbox])")) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const taken = target.matches("button, select, input, [role=tab]"); // has a use of its own for arrows and space
    const { session } = this;
    const { player, direction } = session;
    const acts: Record<string, (() => void) | false> = {
      " ": !target.matches("button, select, input[type=checkbox]") && (() => this.toggle()),
      ArrowLeft: !taken && !target.matches("#view") && (() => this.step(event.shiftKey ? -10 : -1)),
      ArrowRight: !taken && !target.matches("#view") && (() => this.step(event.shiftKey ? 10 : 1)),
      Home: !taken && (() => player.seek(0)),
      End: !taken && (() => player.seek(player.seconds)),
      Delete: !taken && direction.selected !== null && (() => direction.deleteKey(direction.selected!)),
      l: !target.matches("select") && (() => this.round()),
      k: !target.matches("select") && (() => this.key()),
      b: !target.matches("select") && (() => session.toggle()),
      0: !target.matches("select") && (() => shortcuts.front()),
      "?": () => shortcuts.help(),
    };
    const act = acts[pressed];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

function say(id: string, text: string): void {
  const place = find(id);
  if (place.textContent !== text) place.textContent = text;
}
