// The bar of takes: open, sample, record, speak, text; and what is dropped onto the page.

import type { About, Take, Voice } from "./contract.js";
import { find, option } from "./element.js";
import { Recorder } from "./recorder.js";
import { titled, type Session } from "./session.js";
import { attempt, toast } from "./toast.js";

/** What becomes of what is brought in. */
export interface Reception {
  opened(take: Take): void;
  model(file: File): void;
}

export class TakesBar {
  private readonly takes = find<HTMLSelectElement>("takes");
  private readonly record = find<HTMLButtonElement>("record");
  private recorder: Recorder | null = null;
  private busy = 0;
  private readonly suffixes: Set<string>; // of curve files

  constructor(
    private readonly about: About,
    private readonly session: Session,
    private readonly reception: Reception,
  ) {
    const file = find<HTMLInputElement>("file");
    this.suffixes = new Set(about.formats.flatMap(({ name, suffix }) => (about.readable.includes(name) ? [suffix.slice(1)] : [])));
    file.accept += [...this.suffixes].map((suffix) => `,.${suffix}`).join("");
    find("open").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      if (file.files?.[0]) void this.take(file.files[0]);
      file.value = "";
    });
    for (const id of ["sample", "sample-too"]) {
      find(id).hidden = !about.sample;
      find(id).addEventListener("click", () => void this.bring("reading the sample", () => session.library.sample()));
    }
    this.record.addEventListener("click", () => void attempt(() => this.recording()));
    find("speak").addEventListener("click", () => void this.speak());
    find("text").addEventListener("click", () => void this.text());
    this.takes.addEventListener("change", () => {
      const take = session.library.find(this.takes.value);
      if (take) void attempt(async () => this.reception.opened(await session.library.restore(take.id)));
    });
    this.drops();
  }

  /** The list, as it is now. */
  show(): void {
    const { held } = this.session.library;
    const now = this.session.take?.id ?? "";
    const list = held.map(({ take }) => option(take.id, titled(take)));
    this.takes.disabled = list.length === 0;
    const same = list.length === this.takes.options.length && list.every((one, i) => one.value === this.takes.options[i]!.value);
    if (!same) this.takes.replaceChildren(...(list.length > 0 ? list : [option("", "No take yet")]));
    this.takes.value = now;
    find<HTMLButtonElement>("text").disabled = this.session.take?.kind !== "speech";
    if (this.recorder) {
      this.record.style.setProperty("--level", `${Math.round(this.recorder.level * 100)}%`);
      find("record-text").textContent = `Stop ${this.recorder.seconds.toFixed(1)} s`;
    }
  }

  /** A file of any kind that is known. */
  async take(file: File): Promise<void> {
    const suffix = /\.([a-z0-9]+)$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
    if (suffix === "glb" || suffix === "vrm") return this.reception.model(file);
    const limit = this.about.limits.upload;
    if (file.size > limit) {
      return toast(`${file.name} has ${(file.size / 2 ** 20).toFixed(0)} MB; at most ${(limit / 2 ** 20).toFixed(0)} MB are taken`);
    }
    const { library } = this.session;
    const curves = this.suffixes.has(suffix);
    await this.bring(`reading ${file.name}`, () => (curves ? library.curves(file, file.name) : library.sound(file, file.name)));
  }

  private async bring(doing: string, make: () => Promise<Take>): Promise<void> {
    this.busy += 1;
    find("busy-text").textContent = `${doing} …`;
    find("busy").hidden = false;
    await attempt(async () => this.reception.opened(await make()));
    this.busy -= 1;
    find("busy").hidden = this.busy === 0;
  }

  private async recording(): Promise<void> {
    if (this.recorder) {
      const recorder = this.recorder;
      this.recorder = null;
      this.record.setAttribute("aria-pressed", "false");
      find("record-text").textContent = "Record";
      const seconds = recorder.seconds;
      const wav = await recorder.stop();
      if (seconds < 0.1) throw new Error("nothing was recorded");
      const name = `recording ${new Date().toTimeString().slice(0, 8).replaceAll(":", ".")}.wav`;
      return this.bring("hearing the recording", () => this.session.library.sound(wav, name));
    }
    const recorder = new Recorder();
    await recorder.start(this.about.limits.seconds, () => void attempt(() => this.recording()));
    this.recorder = recorder;
    this.session.player.pause();
    this.record.setAttribute("aria-pressed", "true");
  }

  private async speak(): Promise<void> {
    const { voices, voices_hint: hint } = this.about;
    const words = await asked("Speak a line", "", voices, voices.length > 0 ? "" : `No voice is installed: ${hint ?? ""}`);
    if (words && voices.length > 0) {
      await this.bring("speaking", () => this.session.library.speak(words.text, words.voice));
    }
  }

  private async text(): Promise<void> {
    const { take, library } = this.session;
    if (take?.kind !== "speech") return;
    const bytes = library.held.find((held) => held.take.id === take.id)?.bytes;
    const words = await asked("What is said", take.text, [], "The words are looked for in the sound, and the mouth follows them.");
    if (words && bytes) await this.bring("fitting the text", () => library.sound(bytes, take.name, words.text));
  }

  private drops(): void {
    const sign = find("drop");
    addEventListener("dragover", (event) => {
      event.preventDefault();
      sign.hidden = !event.dataTransfer?.types.includes("Files");
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) sign.hidden = true;
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      sign.hidden = true;
      const file = event.dataTransfer?.files[0];
      if (file) void this.take(file);
    });
  }
}

type Voices = readonly Voice[];

/** Asks for a line of text; null where there is none after all. */
function asked(title: string, text: string, voices: Voices, hint: string): Promise<{ text: string; voice: string } | null> {
  const dialog = find<HTMLDialogElement>("words-dialog");
  const area = find<HTMLTextAreaElement>("words-text");
  const voice = find<HTMLSelectElement>("words-voice");
  find("words-title").textContent = title;
  find("words-hint").textContent = hint;
  find("words-voice-field").hidden = voices.length === 0;
  voice.replaceChildren(...voices.map(({ name, language, description }) => option(name, `${name} — ${description ?? language}`)));
  area.value = text;
  dialog.returnValue = "";
  dialog.showModal();
  area.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const said = area.value.trim();
      resolve(dialog.returnValue === "ok" && said ? { text: said, voice: voice.value } : null);
    }, { once: true });
  });
}
