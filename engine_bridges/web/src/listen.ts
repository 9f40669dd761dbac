// A broadcast: faces that somebody sends to everyone.

import { Face, type Playing } from "./face.js";
import { open, VoxrigError } from "./line.js";
import type { Notice, Reply } from "./messages.js";

export interface Ears extends Playing {
  key?: string;
  /** A face has begun. */
  onface?: (face: Face) => void;
  /** A face has ended; its last frames are still to be shown. */
  onend?: (face: Face) => void;
  onnotice?: (notice: Notice) => void;
}

/** An open connection to a broadcaster. ``done`` resolves when it ends, and rejects with VoxrigError. */
export class Broadcast {
  /** Those that are on, by id. */
  readonly faces = new Map<number, Face>();
  readonly done: Promise<void>;
  private socket: WebSocket | null = null;
  private settle!: { resolve: () => void; reject: (error: Error) => void };

  private constructor(private readonly ears: Ears) {
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.done.catch(() => undefined); // who does not ask need not know
  }

  static async open(url: string, ears: Ears): Promise<Broadcast> {
    const broadcast = new Broadcast(ears);
    broadcast.socket = await open(url, ears.key, (reply) => broadcast.hear(reply), (error) => broadcast.closed(error));
    return broadcast;
  }

  /** The face of that name, or the first. */
  face(name?: string): Face | null {
    for (const face of this.faces.values()) {
      if (name === undefined || face.header.name === name) return face;
    }
    return null;
  }

  close(): void {
    this.socket?.close(1000);
  }

  private hear(reply: Reply): void {
    if (reply.type === "error") return;
    const face = this.faces.get(reply.face);
    switch (reply.type) {
      case "header": {
        const begun = new Face(reply, this.ears);
        this.faces.set(reply.face, begun);
        this.ears.onface?.(begun);
        break;
      }
      case "frames":
        face?.push(reply);
        break;
      case "notice":
        face?.notice(reply);
        this.ears.onnotice?.(reply);
        break;
      case "summary":
        if (face) {
          face.summary = reply;
          this.faces.delete(reply.face);
          this.ears.onend?.(face);
        }
    }
  }

  private closed(error: VoxrigError | null): void {
    if (error) this.settle.reject(error);
    else this.settle.resolve();
  }
}

/** Listens to a broadcaster, such as ``listen("ws://127.0.0.1:52001")``. */
export function listen(url: string, ears: Ears = {}): Promise<Broadcast> {
  return Broadcast.open(url, ears);
}
