// The page begins here, and tells tests what it shows.

import "./style.css";
import { find } from "./element.js";
import * as server from "./server.js";
import { Studio } from "./studio.js";
import { tabs } from "./tabs.js";

/** What the page shows, for tests and the curious. */
interface Debug {
  /** Index of the frame that is shown, and the direction that it is of. */
  frame: number;
  serial: number;
  /** The newest direction that was asked for. */
  asked: number;
  /** Seconds of the sound that were heard when it was shown. */
  audioTime: number;
  playing: boolean;
  live: boolean;
  fps: number;
  rig: string;
  take: string | null;
  which: "A" | "B";
  /** Values by curve, as they were put on the face. */
  shown: Record<string, number>;
  /** Weights of morph targets that are not 0, as the picture has them. */
  weights: Record<string, number>;
  /** What the graphics card holds. */
  graphics: { geometries: number; textures: number };
  /** Milliseconds from changes to their first frames. */
  answers: number[];
  /** Seconds at which a film is that takes the place of the face. */
  film: number | null;
}

async function begin(): Promise<void> {
  tabs(find("tabs"));
  const about = await patiently();
  const studio = new Studio(about);
  await studio.begin();
  await studio.links();
  const { session } = studio;
  const debug = (): Debug => ({
    frame: studio.live.live ? studio.live.live.frame : studio.frame,
    serial: studio.serial,
    asked: studio.asked,
    audioTime: studio.moment,
    playing: session.player.playing,
    live: studio.live.live !== null,
    fps: session.shown?.fps ?? session.fps,
    rig: session.shown?.rig ?? session.rig,
    take: session.take?.id ?? null,
    which: session.other ? "B" : "A",
    shown: Object.fromEntries(studio.curves.map((name, i) => [name, studio.values[i] ?? 0])),
    weights: studio.avatar?.weights() ?? {},
    graphics: studio.view.held,
    film: studio.screen.shown ? studio.screen.position : null,
    answers: [...studio.answers],
  });
  Object.assign(window, { voxrigStudio: { debug, heard: () => session.player.listen() } });
}

/** What the server can do; asked until it answers. */
async function patiently(): ReturnType<typeof server.about> {
  for (let pause = 250; ; pause = Math.min(4000, pause * 2)) {
    try {
      return await server.about();
    } catch (error) {
      const badge = find("line");
      badge.dataset["state"] = "bad";
      if (error instanceof server.Refusal && error.status !== 0 && error.status < 500) {
        badge.textContent = error.message;
        throw error;
      }
      badge.textContent = "waiting for the server";
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

void begin();
