// Questions to the studio's server, each a promise.

import type { About, Curves, Directed, Job, Link, Speech, Take } from "./contract.js";

/** What the server refused, in its own sentence. */
export class Refusal extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 where nobody answered. */
    readonly status: number,
  ) {
    super(message);
    this.name = "Refusal";
  }
}

export const about = (): Promise<About> => told("GET", "about");
export const take = (id: string): Promise<Take> => told("GET", `takes/${id}`);
export const forget = (id: string): Promise<unknown> => ask("DELETE", `takes/${id}`);
export const sample = (): Promise<Speech> => told("POST", "takes/sample");
export const speak = (text: string, voice: string): Promise<Speech> => told("POST", "takes/speak", { text, voice });
export const links = async (): Promise<Link[]> => (await told<{ links: Link[] }>("GET", "links")).links;
export const link = (url: string): Promise<Link> => told("POST", "links", { url });
export const unlink = (id: string): Promise<unknown> => ask("DELETE", `links/${id}`);
export const job = (id: string): Promise<Job> => told("GET", `jobs/${id}`);
export const stopJob = (id: string): Promise<unknown> => ask("DELETE", `jobs/${id}`);

export function upload(bytes: Blob, name: string, text = ""): Promise<Speech> {
  const query = new URLSearchParams(text ? { name, text } : { name });
  return told("POST", `takes?${query}`, bytes);
}

export function uploadCurves(bytes: Blob, name: string): Promise<Curves> {
  return told("POST", `takes/curves?${new URLSearchParams({ name })}`, bytes);
}

export async function sound(id: string): Promise<ArrayBuffer> {
  return (await ask("GET", `takes/${id}/sound`)).arrayBuffer();
}

export async function frames(id: string): Promise<Float32Array> {
  return new Float32Array(await (await ask("GET", `takes/${id}/frames`)).arrayBuffer());
}

export interface Wanted {
  format: string;
  rig: string | null;
  fps: number;
  direction: Directed;
  options: Record<string, string | number>;
}

/** A file of curves, and the name that the server gives it. */
export async function exported(id: string, wanted: Wanted): Promise<[Blob, string]> {
  const answer = await ask("POST", `takes/${id}/export`, wanted);
  return [await answer.blob(), named(answer) ?? `take.${wanted.format}`];
}

/** A photo of a face that may speak, given with consent. */
export const sit = (photo: File): Promise<{ id: string }> =>
  told("POST", `photos?consent=yes&name=${encodeURIComponent(photo.name)}`, photo);

export interface Filmed {
  renderer: string;
  photo?: string;
  width: number;
  fps: number;
  direction: Directed;
}

export const film = (id: string, wanted: Filmed): Promise<Job> => told("POST", `takes/${id}/video`, wanted);

export async function filmed(id: string): Promise<[Blob, string]> {
  const answer = await ask("GET", `jobs/${id}/file`);
  return [await answer.blob(), named(answer) ?? "take.mp4"];
}

function named(answer: Response): string | null {
  return /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? null;
}

async function told<T>(method: string, path: string, body?: object): Promise<T> {
  return (await (await ask(method, path, body)).json()) as T;
}

async function ask(method: string, path: string, body?: object): Promise<Response> {
  const request: RequestInit = { method };
  if (body instanceof Blob) request.body = body;
  else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }
  let answer: Response;
  try {
    answer = await fetch(`/api/${path}`, request);
  } catch {
    throw new Refusal("the server does not answer", 0);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  throw new Refusal(sentence(text) ?? `the server answered ${answer.status}`, answer.status);
}

function sentence(text: string): string | null {
  try {
    return (JSON.parse(text) as { error?: string }).error ?? null;
  } catch {
    return null;
  }
}
