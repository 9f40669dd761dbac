// The panel of the face itself: which model, which rig, how many frames a second.

import type { About } from "./contract.js";
import { el, field, find, option } from "./element.js";

/** What is done with a face. */
export interface Wardrobe {
  open(file: File): void;
  usual(): void;
  rig(name: string | null): void;
  fps(fps: number): void;
}

export class FacePanel {
  private readonly model = el("p");
  private readonly rig: HTMLSelectElement;

  constructor(about: About, wardrobe: Wardrobe) {
    const file = el("input", { type: "file", accept: ".glb,.vrm", "aria-label": "GLB or VRM file", hidden: true });
    file.addEventListener("change", () => {
      if (file.files?.[0]) wardrobe.open(file.files[0]);
      file.value = "";
    });
    this.rig = el("select", { "aria-label": "Rig", onchange: () => wardrobe.rig(this.rig.value || null) }, option("", "what suits the face"), ...about.rigs.map(({ name, curves }) => option(name, `${name} — ${curves.length} curves`)));
    const fps = el("select", { "aria-label": "Frames a second", onchange: () => wardrobe.fps(Number(fps.value)) }, ...["24", "25", "30", "60", "120"].map((n) => option(n, `${n} a second`)));
    fps.value = "60";
    find("face").replaceChildren(
      el("h3", {}, "Model"), this.model,
      el("div", { class: "pair" },
        el("button", { type: "button", onclick: () => file.click() }, "Open GLB or VRM…"),
        el("button", { type: "button", class: "quiet", onclick: () => wardrobe.usual() }, "Ours"), file),
      el("p", { class: "faint" }, "Shapes are found by ARKit's names, in any case, with prefixes and with _L and _R; VRM expressions too. The file stays on this machine."),
      el("h3", {}, "Frames"), field("rig", this.rig, "Curves that are asked for and drawn"), field("rate", fps),
    );
  }

  show(name: string, told: string): void {
    this.model.textContent = `${name}: ${told}`;
  }
}
