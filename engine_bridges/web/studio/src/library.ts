// The takes of this tab, with the bytes that they are made of: the server may forget them, the page does not.

import type { Curves, Speech, Take } from "./contract.js";
import * as server from "./server.js";

const MOST = 300 * 2 ** 20; // bytes that are kept

export interface Held {
  take: Take;
  /** What it was made of; null where too much is kept already. */
  bytes: Blob | null;
}

export class Library {
  readonly held: Held[] = [];

  /** ``takes`` is how many are kept, as many as the server keeps. */
  constructor(private readonly takes: number) {}

  async sound(bytes: Blob, name: string, text = ""): Promise<Speech> {
    return this.keep(await server.upload(bytes, name, text), bytes);
  }

  async curves(bytes: Blob, name: string): Promise<Curves> {
    return this.keep(await server.uploadCurves(bytes, name), bytes);
  }

  async sample(): Promise<Speech> {
    const take = await server.sample();
    return this.keep(take, await this.soundOf(take));
  }

  async speak(text: string, voice: string): Promise<Speech> {
    const take = await server.speak(text, voice);
    return this.keep(take, await this.soundOf(take));
  }

  find(id: string): Take | null {
    return this.held.find((held) => held.take.id === id)?.take ?? null;
  }

  remove(id: string): void {
    const index = this.held.findIndex((held) => held.take.id === id);
    if (index >= 0) this.held.splice(index, 1);
    void server.forget(id).catch(() => undefined); // gone already is fine
  }

  /** Makes sure that the server has a take, and sends its bytes again if not. The take as it is called now. */
  async restore(id: string): Promise<Take> {
    const held = this.held.find((one) => one.take.id === id);
    if (!held) throw new server.Refusal(`the take ${id} is not known here`, 404);
    try {
      const there = await server.take(id);
      if (there.name === held.take.name && there.seconds === held.take.seconds) return there;
    } catch (error) {
      if (!(error instanceof server.Refusal) || error.status !== 404) throw error;
    }
    if (!held.bytes) throw new server.Refusal(`${held.take.name} is gone with the server; open it again`, 404);
    const { take } = held;
    held.take = take.kind === "curves"
      ? await server.uploadCurves(held.bytes, take.name)
      : await server.upload(held.bytes, take.name, take.text);
    return held.take;
  }

  private async soundOf(take: Speech): Promise<Blob> {
    return new Blob([await server.sound(take.id)], { type: "audio/wav" });
  }

  private keep<T extends Take>(take: T, bytes: Blob): T {
    this.held.push({ take, bytes });
    this.held.splice(0, Math.max(0, this.held.length - this.takes));
    let total = this.held.reduce((sum, { bytes: kept }) => sum + (kept?.size ?? 0), 0);
    for (const old of this.held.slice(0, -1)) {
      if (total <= MOST) break;
      total -= old.bytes?.size ?? 0;
      old.bytes = null;
    }
    return take;
  }
}
