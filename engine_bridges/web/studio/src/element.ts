// Elements of the page, made in a line.

type Child = Node | string | null;
type Given = Record<string, string | number | boolean | EventListener>;

/** An element; ``on…`` are listeners, true is an attribute without value, false is none. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Given = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The element of the page with this id. Throws where there is none. */
export function find<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found as T;
}

export function option(value: string, text = value): HTMLOptionElement {
  return el("option", { value }, text);
}

/** A labelled row. */
export function field(label: string, control: HTMLElement, hint = ""): HTMLLabelElement {
  return el("label", hint ? { class: "field", title: hint } : { class: "field" }, el("span", {}, label), control);
}

/** Hands a file to the user. */
export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const anchor = el("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the download has begun by then
}

/** A picture of the page's own set, by name: what ``d`` draws in a field of 16. */
export function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(space, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}
