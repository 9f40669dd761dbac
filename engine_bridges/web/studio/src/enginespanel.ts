// The panel of engines: where frames are sent while the take plays.

import type { About, Link } from "./contract.js";
import { el, field, find, option } from "./element.js";
import * as server from "./server.js";
import { attempt } from "./toast.js";

export class EnginesPanel {
  private readonly list = el("ul", { class: "links", "aria-label": "Receivers" });
  private readonly items = new Map<string, { row: HTMLElement; state: HTMLElement }>();
  private readonly none = el("p", { class: "faint" }, "None yet. Frames go to all of them while the take plays; when it rests, they hold its pose.");

  constructor(about: About) {
    const url = el("input", { type: "text", "aria-label": "Address of the receiver", spellcheck: "false", autocomplete: "off", required: true });
    const kind = el("select", { "aria-label": "Kind of receiver" }, ...about.receivers.map(({ scheme, note: what }) => option(scheme, `${scheme} — ${what}`)));
    const example = (): void => {
      url.value = about.receivers.find(({ scheme }) => scheme === kind.value)?.example ?? "";
    };
    kind.addEventListener("change", example);
    example();
    const form = el("form", {}, field("receiver", kind), field("address", url), el("button", { type: "submit", class: "primary" }, "Connect"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(async () => {
        const made = await server.link(url.value.trim());
        this.show([...this.shown, made]);
      });
    });
    find("engines").replaceChildren(el("h3", {}, "Connected"), this.none, this.list, el("h3", {}, "Another"), form);
  }

  private shown: Link[] = [];

  show(links: Link[]): void {
    this.shown = links.filter((link, i) => links.findIndex(({ id }) => id === link.id) === i);
    this.none.hidden = this.shown.length > 0;
    find("tab-engines").textContent = this.shown.length > 0 ? `Engines ${this.shown.length}` : "Engines";
    const there = new Set(this.shown.map(({ id }) => id));
    for (const [id, { row }] of this.items) {
      if (there.has(id)) continue;
      row.remove();
      this.items.delete(id);
    }
    for (const link of this.shown) {
      const item = this.items.get(link.id) ?? this.add(link);
      item.row.dataset["state"] = link.state;
      item.state.textContent = told(link);
    }
  }

  private add(link: Link): { row: HTMLElement; state: HTMLElement } {
    const state = el("span", { class: "state" });
    const remove = el("button", {
      type: "button", class: "quiet", "aria-label": `Disconnect ${link.url}`, title: "Disconnect",
      onclick: () => void attempt(async () => {
        await server.unlink(link.id);
        this.show(this.shown.filter(({ id }) => id !== link.id));
      }),
    }, "✕");
    const row = el("li", {}, el("span", { class: "url" }, link.url), remove, state);
    this.list.append(row);
    const made = { row, state };
    this.items.set(link.id, made);
    return made;
  }
}

function told(link: Link): string {
  if (link.state === "failed") return link.error ?? "failed";
  const parts = [link.state === "sending" ? "sending" : "waiting", link.rig, `${link.frames} frames`];
  if (link.fps > 0) parts.push(`${link.fps.toFixed(0)} a second`);
  if (link.age !== null && link.frames > 0) parts.push(`last ${link.age < 1 ? "now" : `${link.age.toFixed(0)} s ago`}`);
  return parts.join(" · ") + (link.note ? ` — ${link.note}` : "");
}
