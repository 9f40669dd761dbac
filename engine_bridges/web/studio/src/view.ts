// The room that the face is in: lights, a camera that goes round it, and a picture when something changed.

import {
  ACESFilmicToneMapping, Color, DirectionalLight, Group, HemisphereLight, Object3D, PerspectiveCamera, PMREMGenerator,
  Scene, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";

/** Where to look, and how high what is looked at is. Metres. */
export interface Frame {
  centre: Vector3;
  height: number;
}

const SLOW = 34; // ms a picture may take before it is drawn coarser
const FAST = 14;
const COARSEST = 0.4; // of the resolution
const LEISURE = 90; // ms between pictures where there is no card, so that the processor does other things, too
const REST = 250; // ms without change after which it is drawn in full once more

export class View {
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(24, 1, 0.01, 50);
  private readonly controls: OrbitControls;
  private readonly rig = new Group(); // lights, which stand around what is looked at
  private shown: Object3D | null = null;
  private frame: Frame = { centre: new Vector3(), height: 0.4 };
  private stale = true;
  private scale = 1; // of the resolution
  private load = 0; // ms between pictures, smoothed
  private last = 0;
  private drawnAt = 0;
  private pause = 0; // ms between pictures at least
  private coarse = false; // what is shown now

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, powerPreference: "high-performance" });
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.0;
    const slow = drawnByProcessor(this.renderer);
    if (slow) [this.scale, this.pause] = [COARSEST, LEISURE];
    this.lights(!slow);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.controls.dampingFactor = 0.12;
    this.controls.minPolarAngle = Math.PI * 0.12;
    this.controls.maxPolarAngle = Math.PI * 0.82;
    this.controls.addEventListener("change", () => (this.stale = true));
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.reset();
  }

  /** Puts an object into the room instead of the one that is there. */
  show(object: Object3D, frame: Frame): void {
    if (this.shown) this.scene.remove(this.shown);
    this.shown = object;
    this.scene.add(object);
    this.frame = frame;
    this.reset();
  }

  /** The view from the front. */
  reset(): void {
    const { centre, height } = this.frame;
    const narrow = Math.min(1, this.camera.aspect / 0.82);
    const away = height / 2 / Math.tan((this.camera.fov * Math.PI) / 360) / narrow;
    this.controls.target.copy(centre);
    this.camera.position.copy(centre).add(new Vector3(away * 0.1, away * 0.03, away));
    this.controls.minDistance = away * 0.3;
    this.controls.maxDistance = away * 4;
    this.camera.near = away * 0.02;
    this.camera.far = away * 20;
    this.camera.updateProjectionMatrix();
    this.rig.position.copy(centre);
    this.controls.update();
    this.stale = true;
  }

  /** Turns and zooms from the keyboard: radians, and a factor. */
  nudge(yaw: number, pitch: number, zoom: number): void {
    const off = this.camera.position.clone().sub(this.controls.target);
    off.applyAxisAngle(new Vector3(0, 1, 0), yaw);
    const side = new Vector3(0, 1, 0).cross(off).normalize();
    off.applyAxisAngle(side, pitch).multiplyScalar(zoom);
    this.camera.position.copy(this.controls.target).add(off);
    this.controls.update();
    this.stale = true;
  }

  /** A picture, if there is anything new. */
  draw(changed: boolean, now: number): void {
    const moved = this.controls.update();
    if (changed || moved || this.stale) {
      this.stale = now - this.drawnAt < this.pause; // then it is drawn a little later
      if (this.stale) return;
      this.resolve(this.scale);
      this.renderer.render(this.scene, this.camera);
      this.drawnAt = now;
      this.keepUp(now);
    } else {
      this.last = 0;
      if (!this.coarse || now - this.drawnAt < REST) return;
      this.resolve(1);
      this.renderer.render(this.scene, this.camera);
    }
  }

  /** What the graphics card holds, for tests. */
  get held(): { geometries: number; textures: number } {
    return { ...this.renderer.info.memory };
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const before = this.camera.aspect;
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    if (Math.abs(before - this.camera.aspect) > 0.01) this.reset();
    this.stale = true;
  }

  /** Sets the size of the picture, as a share of what the screen has. */
  private resolve(scale: number): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = Math.min(2, devicePixelRatio) * scale;
    this.coarse = scale < 1;
    if (this.canvas.width === Math.floor(width * ratio) && this.canvas.height === Math.floor(height * ratio)) return;
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
  }

  /** Draws coarser where pictures take long, and finer again where they do not. */
  private keepUp(now: number): void {
    const since = this.last ? now - this.last : 0;
    this.last = now;
    if (since <= 0) return;
    this.load = this.load ? this.load * 0.95 + since * 0.05 : since;
    const scale = this.load > SLOW ? this.scale * 0.75 : this.load < FAST && this.scale < 1 ? this.scale * 1.1 : this.scale;
    const next = Math.min(1, Math.max(COARSEST, scale));
    if (Math.abs(next - this.scale) < 0.02) return;
    this.scale = next;
    this.load = 0;
  }

  /** Three lights and a sky; with ``mirrored`` also a room that skin and eyes reflect, which takes a card to make. */
  private lights(mirrored: boolean): void {
    if (mirrored) {
      const maker = new PMREMGenerator(this.renderer);
      const room = new RoomEnvironment();
      this.scene.environment = maker.fromScene(room, 0.04).texture;
      this.scene.environmentIntensity = 0.32;
      room.dispose();
      maker.dispose();
    }
    const key = new DirectionalLight(new Color(0xfff1e2), 2.3);
    key.position.set(0.7, 0.75, 1.3);
    const fill = new DirectionalLight(new Color(0xb9cdf2), 0.75);
    fill.position.set(-1.3, 0.15, 0.9);
    const rim = new DirectionalLight(new Color(0xd7e4ff), 2.2);
    rim.position.set(-0.7, 0.7, -1.2);
    this.rig.add(key, fill, rim, key.target, fill.target, rim.target, new HemisphereLight(0xdfe8f5, 0x2b2622, mirrored ? 0.35 : 0.8));
    this.scene.add(this.rig);
  }
}

/** Whether there is no graphics card. */
function drawnByProcessor(renderer: WebGLRenderer): boolean {
  const gl = renderer.getContext();
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  return told !== null && /swiftshader|llvmpipe|software/i.test(String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
}
