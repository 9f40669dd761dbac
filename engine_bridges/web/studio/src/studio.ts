// The studio: what is told by the server, heard by the ear and done by the hand meets here, picture by picture.

import { readAvatar, type Avatar } from "./avatar.js";
import type { About, Take } from "./contract.js";
import { CurveList } from "./curvelist.js";
import { DirectPanel } from "./directpanel.js";
import { find } from "./element.js";
import { EnginesPanel } from "./enginespanel.js";
import { ExportPanel } from "./exportpanel.js";
import { FacePanel } from "./facepanel.js";
import { LivePanel } from "./livepanel.js";
import { Screen } from "./screen.js";
import { Session } from "./session.js";
import * as server from "./server.js";
import { Stage } from "./stage.js";
import { TakesBar } from "./takesbar.js";
import { Timeline } from "./timeline.js";
import { attempt, toast } from "./toast.js";
import { Transport } from "./transport.js";
import { View } from "./view.js";

const TICK = 1000; // ms between tellings of where the sound is

export class Studio {
  readonly session: Session;
  avatar: Avatar | null = null;
  /** Of the picture that is shown: its moment, its frame, which direction it is of. */
  moment = 0;
  frame = -1;
  serial = 0;
  /** Milliseconds from a change to its first frames, the newest last. */
  readonly answers: number[] = [];
  values: Float32Array = new Float32Array(0);
  curves: readonly string[] = [];
  private readonly stage: Stage;
  readonly view = new View(find<HTMLCanvasElement>("view"));
  readonly screen = new Screen();
  private readonly timeline: Timeline;
  private readonly list = new CurveList();
  private readonly direct: DirectPanel;
  private readonly exports: ExportPanel;
  private readonly engines: EnginesPanel;
  private readonly face: FacePanel;
  readonly live: LivePanel;
  private readonly takes: TakesBar;
  private readonly transport: Transport;
  private drive: ((values: Float32Array) => void) | null = null;
  private driven: readonly string[] | null = null; // curves that ``drive`` is for
  private chosenRig: string | null = null;
  private stale = true;
  private tickedAt = 0;
  private drawnAt = 0;

  constructor(private readonly about: About) {
    const session = (this.session = new Session(about));
    const { direction, player } = session;
    this.stage = new Stage(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/stage`, {
      connected: (again) => this.connected(again),
      lost: () => this.line("bad", "reconnecting"),
      staged: (stage, ask) => session.staged(stage, ask),
      block: (serial, first, rows) => session.block(serial, first, rows),
      answered: (milliseconds) => this.answered(milliseconds),
      refused: (sentence) => toast(sentence),
      links: (links) => this.engines.show(links),
    });
    this.direct = new DirectPanel(about, direction);
    this.exports = new ExportPanel(about, session, (film, name) => this.screen.show(film, name));
    this.engines = new EnginesPanel(about);
    this.live = new LivePanel(about, direction, () => this.avatar?.rig ?? "arkit", () => this.lived());
    this.face = new FacePanel(about, {
      open: (file) => void this.wear(file, file.name),
      usual: () => void this.wearOurs(),
      rig: (name) => {
        this.chosenRig = name;
        this.ask();
      },
      fps: (fps) => {
        session.fps = fps;
        this.ask();
      },
    });
    this.takes = new TakesBar(about, session, {
      opened: (take) => void this.open(take),
      model: (file) => void this.wear(file, file.name),
    });
    this.timeline = new Timeline({
      seek: (seconds) => player.seek(seconds),
      moveKey: (index, seconds) => direction.moveKey(index, seconds),
      select: (index) => direction.select(index),
    });
    this.transport = new Transport(session, {
      front: () => this.view.reset(),
      help: () => find<HTMLDialogElement>("help-dialog").showModal(),
    });
    find("front").addEventListener("click", () => this.view.reset());
    find("help").addEventListener("click", () => find<HTMLDialogElement>("help-dialog").showModal());
    find("about").textContent = `voxrig ${about.version}. Everything runs on this machine or your own server; nothing is sent elsewhere.`;
    find("view").addEventListener("keydown", (event) => this.turn(event));
    this.list.onchange = () => this.renew();
    session.onchange = () => this.renew();
    direction.onselect = () => this.renew();
    direction.onchange = () => {
      this.renew();
      this.live.style();
      this.ask();
    };
    player.onmove = () => this.moved();
  }

  /** The newest direction that was asked for. */
  get asked(): number {
    return this.stage.serial;
  }

  async begin(): Promise<void> {
    this.stage.open();
    requestAnimationFrame((now) => this.step(now));
    await this.wearOurs();
  }

  /** Takes up a take and asks for its frames. */
  async open(take: Take): Promise<void> {
    await attempt(async () => {
      if (this.live.live) await this.live.stop();
      this.screen.close();
      await this.session.open(take);
      find("welcome").hidden = true;
      this.ask();
    });
  }

  private ask(): void {
    const { session } = this;
    session.rig = this.chosenRig ?? this.avatar?.rig ?? "arkit";
    this.stage.direct(() => session.ask());
  }

  private async wearOurs(): Promise<void> {
    await attempt(async () => {
      const answer = await fetch("/avatar.glb");
      if (!answer.ok) throw new Error(`the avatar cannot be had: the server answered ${answer.status}`);
      await this.wear(await answer.blob(), "studio's head");
    });
  }

  private async wear(file: Blob, name: string): Promise<void> {
    find("busy-text").textContent = `reading ${name} …`;
    find("busy").hidden = false;
    await attempt(async () => {
      const arkit = this.about.rigs.find((rig) => rig.name === "arkit")?.curves ?? [];
      const avatar = await readAvatar(await file.arrayBuffer(), name, arkit);
      const before = this.avatar;
      this.avatar = avatar;
      this.driven = null;
      this.view.show(avatar.root, avatar.frame);
      before?.dispose();
      this.face.show(name, avatar.told);
      find("avatar-name").textContent = name;
      this.renew();
      if (this.session.take) this.ask();
    });
    find("busy").hidden = true;
  }

  private connected(again: boolean): void {
    this.line("good", "ready");
    void attempt(async () => {
      if (again) await this.session.resume(this.stage);
      else if (this.session.take) this.ask();
      this.moved();
    });
  }

  private line(state: string, text: string): void {
    const badge = find("line");
    badge.dataset["state"] = state;
    badge.textContent = text;
  }

  private answered(milliseconds: number): void {
    this.answers.push(milliseconds);
    if (this.answers.length > 50) this.answers.shift();
    find("latency").textContent = `${milliseconds.toFixed(0)} ms`;
  }

  /** Something else is to be drawn. */
  private renew(): void {
    this.stale = true;
  }

  private moved(): void {
    this.stale = true;
    this.tellClock();
    const { a, player, take } = this.session;
    // A jump to where nothing is yet: those frames first.
    if (take?.kind === "speech" && a && !a.has(a.frameAt(player.position()))) this.ask();
  }

  private tellClock(): void {
    const { player, take } = this.session;
    this.tickedAt = performance.now();
    if (take?.kind !== "speech" || this.live?.live) return;
    this.stage.clock({ playing: player.playing, take: take.id, serial: this.stage.serial, at: player.position(), speed: player.speed });
  }

  private lived(): void {
    if (this.live.live) this.session.player.pause();
    this.line(this.stage.connected ? "good" : "bad", this.live.live ? "live" : this.stage.connected ? "ready" : "reconnecting");
    this.renew();
  }

  /** One picture. */
  private step(now: number): void {
    requestAnimationFrame((next) => this.step(next));
    const { player } = this.session;
    const playing = player.playing;
    this.screen.follow(player.position(), playing, player.speed);
    if (this.stale || playing || this.live.live) {
      this.show(now);
      this.view.draw(!this.screen.shown, now);
    } else this.view.draw(false, now);
    if (playing && now - this.tickedAt > TICK) this.tellClock();
    if (now - this.drawnAt > 100) {
      this.drawnAt = now;
      this.takes.show();
      this.live.show();
    }
  }

  private show(now: number): void {
    const { session } = this;
    const { player, direction, take } = session;
    const motion = session.shown;
    const live = this.live.live;
    const before = this.moment;
    const seconds = player.position(); // may end it
    if (player.playing && seconds < before) this.tellClock(); // round again
    this.moment = seconds;
    if (live) this.pose(live.curves, live.sample());
    else if (motion) {
      if (this.values.length !== motion.curves.length) this.values = new Float32Array(motion.curves.length);
      if (motion.sample(seconds, this.values)) this.pose(motion.curves, this.values);
      this.frame = motion.frameAt(seconds);
      this.serial = motion.serials[this.frame] ?? 0;
    }
    this.avatar?.tick(Math.min(0.1, Math.max(0, (now - this.lastShown) / 1000)));
    this.lastShown = now;
    if (this.stale) {
      this.stale = false;
      if (session.a) this.list.show(session.a.curves);
      this.timeline.show({
        seconds: player.seconds, speech: take?.kind === "speech" ? take : null, waveform: session.waveform,
        motion: session.a, other: session.b, curves: this.list.visible, keys: direction.keys, selected: direction.selected,
      });
      this.direct.show(session.warnings);
      this.exports.show();
    }
    this.timeline.draw(seconds, player.playing);
    this.transport.show(seconds, this.frame);
    if (!live && session.a) this.list.tell(this.values, now);
  }

  private lastShown = 0;

  private pose(curves: readonly string[], values: Float32Array | null): void {
    if (!this.avatar || !values) return;
    if (this.driven !== curves) {
      this.drive = this.avatar.drive(curves);
      this.driven = curves;
    }
    this.drive!(values);
    this.curves = curves;
    if (values !== this.values) this.values = values;
  }

  private turn(event: KeyboardEvent): void {
    const step = 0.09;
    const moves: Record<string, [number, number, number]> = {
      ArrowLeft: [-step, 0, 1], ArrowRight: [step, 0, 1], ArrowUp: [0, -step, 1], ArrowDown: [0, step, 1],
      "+": [0, 0, 0.9], "=": [0, 0, 0.9], "-": [0, 0, 1.11],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    this.view.nudge(...move);
  }

  /** Asks again for the links that are open. */
  async links(): Promise<void> {
    this.engines.show(await server.links());
  }
}
