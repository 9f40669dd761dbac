// A WebSocket that speaks voxrig.v1: opening it, and what went wrong.

import { Reader, SUBPROTOCOL, subprotocols, type Fault, type Reply } from "./messages.js";

/** What a server, or the way to it, refused. */
export class VoxrigError extends Error {
  constructor(
    message: string,
    /** Name of a gRPC status; UNAVAILABLE where no server answered. */
    readonly code: string,
    /** Seconds after which to try again, where that may help. */
    readonly retry: number | null = null,
  ) {
    super(message);
    this.name = "VoxrigError";
  }
}

/** Opens a socket. ``heard`` gets what comes; ``closed`` is called once, with null after an orderly end. */
export function open(
  url: string,
  key: string | undefined,
  heard: (reply: Reply) => void,
  closed: (error: VoxrigError | null) => void,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, subprotocols(key));
    const reader = new Reader();
    let fault: VoxrigError | null = null;
    let opened = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      if (socket.protocol === SUBPROTOCOL) resolve(socket);
      else socket.close();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (fault) return;
      try {
        const reply = reader.read(event.data);
        if (reply?.type === "error") fault = failed(reply);
        else if (reply) heard(reply);
      } catch (error) {
        fault = new VoxrigError(`the server sent no message of ${SUBPROTOCOL}: ${String(error)}`, "INTERNAL");
        socket.close();
      }
    };
    socket.onclose = (event) => {
      const lost = event.code === 1000 || event.code === 1005 ? null : new VoxrigError(`connection closed (${event.code})`, "UNAVAILABLE");
      const error = fault ?? lost;
      if (!opened) reject(fault ?? new VoxrigError(unanswered(url), "UNAVAILABLE")); // browsers do not tell why
      else if (socket.protocol !== SUBPROTOCOL) reject(new VoxrigError(`${url} does not speak ${SUBPROTOCOL}`, "INTERNAL"));
      else closed(error);
    };
  });
}

function unanswered(url: string): string {
  return `no voxrig answers at ${url}: nobody listens there, a service's path (/v1/face) is not in it, or this page's origin is refused`;
}

function failed(fault: Fault): VoxrigError {
  return new VoxrigError(fault.message, fault.code, fault.retry ?? null);
}
