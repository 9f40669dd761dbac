// The panel of files: curves in every format, and films.

import type { About, Format } from "./contract.js";
import { el, field, find, option, save } from "./element.js";
import type { Session } from "./session.js";
import * as server from "./server.js";
import { attempt, toast } from "./toast.js";

const RATES = ["24", "25", "29.97", "30", "48", "50", "60", "100", "120"];
const PORTRAIT = "portrait";
const LOOK = 400; // ms between looks at a film's progress

export class ExportPanel {
  private readonly format: HTMLSelectElement;
  private readonly told = el("p", { class: "faint" });
  private readonly rig: HTMLSelectElement;
  private readonly fps: HTMLSelectElement;
  private readonly options = el("div");
  private readonly write: HTMLButtonElement;
  private readonly shoot: HTMLButtonElement;
  private readonly progress = el("div");
  private readonly rail: HTMLElement;
  private readonly photo = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", "aria-label": "Photo of a face" });
  private readonly consent = el("input", { type: "checkbox", "aria-label": "I have the consent of whom the photo shows" });
  private job: string | null = null;

  constructor(private readonly about: About, private readonly session: Session, private readonly watch: (film: Blob, name: string) => void) {
    this.format = el("select", { "aria-label": "Format", onchange: () => this.choose() }, ...about.formats.map((f) => option(f.name, `${f.name}  ${f.suffix}`)));
    this.rig = el("select", { "aria-label": "Rig of the file" });
    this.fps = el("select", { "aria-label": "Frames a second of the file" }, ...RATES.map((rate) => option(rate, `${rate} a second`)));
    this.fps.value = "60";
    this.write = el("button", { type: "button", class: "primary", onclick: () => void attempt(() => this.download()) }, "Download");
    this.rail = el("div", { class: "bar", role: "progressbar", "aria-label": "Film", "aria-valuemin": 0, "aria-valuemax": 100, hidden: true }, this.progress);
    const renderer = el("select", { "aria-label": "Renderer" }, ...about.renderers.map((name) => option(name)));
    const width = el("select", { "aria-label": "Width" }, ...["256", "512", "720", "1024"].map((n) => option(n, `${n} pixels`)));
    width.value = "512";
    const rate = el("select", { "aria-label": "Pictures a second" }, ...["24", "25", "30", "50", "60"].map((n) => option(n, `${n} a second`)));
    rate.value = "30";
    this.shoot = el("button", { type: "button", onclick: () => void attempt(() => this.film(renderer.value, Number(width.value), Number(rate.value))) }, "Make a film");
    const sitting = el("div", { hidden: true },
      field("photo", this.photo), el("label", { class: "check" }, this.consent, "I have the consent of whom it shows"));
    renderer.addEventListener("change", () => (sitting.hidden = renderer.value !== PORTRAIT));
    const films = about.renderers.length > 0
      ? [field("renderer", renderer), sitting, field("width", width), field("rate", rate), this.shoot, this.rail]
      : [el("p", { class: "faint" }, about.renderers_hint ?? "No renderer is installed.")];
    find("export").replaceChildren(
      el("h3", {}, "Curves"), field("format", this.format), this.told, field("rig", this.rig), field("rate", this.fps),
      this.options, this.write, el("h3", {}, "Film"), ...films,
    );
    this.choose();
    this.show();
  }

  /** Whether there is something to export. */
  show(): void {
    this.write.disabled = this.session.take === null;
    this.shoot.disabled = this.session.take === null && this.job === null;
  }

  private get chosen(): Format {
    return this.about.formats.find((format) => format.name === this.format.value) ?? this.about.formats[0]!;
  }

  private choose(): void {
    const format = this.chosen;
    if (!format) return;
    this.told.textContent = format.description;
    const rigs = format.rigs ?? this.about.rigs.map(({ name }) => name);
    this.rig.replaceChildren(...rigs.map((name) => option(name)));
    this.rig.value = rigs.includes(this.session.rig) && format.rigs === null ? this.session.rig : format.default_rig;
    this.options.replaceChildren(...format.options.map((name) => field(
      name, el("input", { name, "aria-label": name, placeholder: name === "tolerance" ? "0" : "as it is usual", ...(name === "tolerance" ? { inputmode: "decimal" } : {}) }),
    )));
  }

  private async download(): Promise<void> {
    const { take, direction } = this.session;
    if (!take) return;
    const options: Record<string, string | number> = {};
    for (const input of this.options.querySelectorAll("input")) {
      const value = input.value.trim();
      if (value) options[input.name] = input.name !== "tolerance" || Number.isNaN(Number(value)) ? value : Number(value);
    }
    this.write.disabled = true;
    this.write.textContent = "Writing …";
    try {
      const wanted = { format: this.chosen.name, rig: this.rig.value || null, fps: Number(this.fps.value), direction: direction.told(), options };
      const [file, name] = await server.exported(take.id, wanted);
      save(file, name);
      toast(`${name}, ${(file.size / 1024).toFixed(0)} kB`, "news");
    } finally {
      this.write.textContent = "Download";
      this.show();
    }
  }

  /** What the server calls the photo. Throws where there is none, or no consent. */
  private async sat(): Promise<string> {
    const file = this.photo.files?.[0];
    if (!file) throw new Error("choose a photo of the face that shall speak");
    if (!this.consent.checked) throw new Error("a photo needs the consent of whom it shows");
    return (await server.sit(file)).id;
  }

  /** Makes a film, or stops the one that is being made. */
  private async film(renderer: string, width: number, fps: number): Promise<void> {
    if (this.job) {
      await server.stopJob(this.job);
      this.job = null;
      return;
    }
    const { take, direction } = this.session;
    if (!take) return;
    const photo = renderer === PORTRAIT ? { photo: await this.sat() } : {};
    let job = await server.film(take.id, { renderer, ...photo, width, fps, direction: direction.told() });
    this.job = job.id;
    this.shoot.textContent = "Stop";
    this.rail.hidden = false;
    try {
      while (this.job === job.id && job.state === "working") {
        await new Promise((resolve) => setTimeout(resolve, LOOK));
        if (this.job !== job.id) return; // stopped
        job = await server.job(job.id);
        const percent = Math.round(job.progress * 100);
        this.progress.style.width = `${percent}%`;
        this.rail.setAttribute("aria-valuenow", String(percent));
      }
      if (job.state === "failed") throw new Error(job.error ?? "the film failed");
      const [file, name] = await server.filmed(job.id);
      if (this.session.take?.id === take.id) this.watch(file, name);
      save(file, name);
      toast(`${name}, ${(file.size / 1024).toFixed(0)} kB`, "news");
    } finally {
      this.job = null;
      this.rail.hidden = true;
      this.progress.style.width = "0";
      this.shoot.textContent = "Make a film";
      this.show();
    }
  }
}
