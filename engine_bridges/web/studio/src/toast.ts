// Short news at the edge of the page, which go by themselves.

import { el, find } from "./element.js";

const MOST = 3;

/** Says a sentence; errors stay longer, and a click takes them away. */
export function toast(sentence: string, kind: "error" | "news" = "error"): void {
  const place = find("toasts");
  const text = sentence.replace(/^[a-z]+ /, (word) => word.charAt(0).toUpperCase() + word.slice(1)); // no file's name
  const same = [...place.children].find((child) => child.textContent === text);
  same?.remove();
  const made = el("button", { class: `toast ${kind}`, type: "button", title: "Dismiss", onclick: () => made.remove() }, text);
  place.append(made);
  while (place.children.length > MOST) place.firstElementChild!.remove();
  setTimeout(() => made.remove(), kind === "error" ? 8000 : 3500);
}

/** Does something, and says what went wrong. */
export async function attempt(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error));
  }
}
