// A face that curves move: the head that ships, or a GLB or VRM of the user's own.

import {
  Bone, Box3, Material, Mesh, Object3D, Quaternion, SkinnedMesh, Texture, Vector3, Euler, type EulerOrder,
} from "three";
import { GLTFLoader, type GLTF } from "three/addons/loaders/GLTFLoader.js";
import type { VRM } from "@pixiv/three-vrm";
import { match } from "../../src/names.js";
import { headTurn, morphTargets, vrmExpressions, type Drive, type Turning } from "../../src/targets.js";
import type { Frame } from "./view.js";

const ENOUGH = 30; // of ARKit's 52, for a face that speaks by them

export interface Avatar {
  readonly name: string;
  readonly root: Object3D;
  readonly frame: Frame;
  /** Which rig it is best driven by. */
  readonly rig: string;
  /** What is moved, in words. */
  readonly told: string;
  /** Sets values of curves, in their order. */
  drive(curves: readonly string[]): (values: Float32Array) => void;
  /** Seconds went by. */
  tick(seconds: number): void;
  /** Weights of the morph targets that are not 0, by name: what the picture shows. */
  weights(): Record<string, number>;
  dispose(): void;
}

/** Reads a GLB or VRM. ``arkit``: the names of ARKit's curves. Throws with a sentence for the user. */
export async function readAvatar(data: ArrayBuffer, name: string, arkit: readonly string[]): Promise<Avatar> {
  const magic = data.byteLength >= 20 ? new DataView(data).getUint32(0, true) : 0;
  if (magic !== 0x46546c67) throw new Error(`${name} is no binary glTF; have .glb and .vrm`);
  const header = new TextDecoder().decode(new Uint8Array(data, 20, new DataView(data).getUint32(12, true)));
  const loader = new GLTFLoader();
  const isVrm = /"(VRMC_vrm|VRM)"/.test(header);
  const library = isVrm ? await import("@pixiv/three-vrm") : null;
  if (library) loader.register((parser) => new library.VRMLoaderPlugin(parser));
  if (header.includes("EXT_meshopt_compression")) {
    loader.setMeshoptDecoder((await import("three/addons/libs/meshopt_decoder.module.js")).MeshoptDecoder);
  }
  let gltf: GLTF;
  try {
    gltf = await loader.parseAsync(data, "");
  } catch (error) {
    throw new Error(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const vrm = gltf.userData["vrm"] as VRM | undefined;
  if (vrm && library) library.VRMUtils.rotateVRM0(vrm);
  return outfit(name, vrm?.scene ?? gltf.scene, vrm ?? null, arkit);
}

function outfit(name: string, root: Object3D, vrm: VRM | null, arkit: readonly string[]): Avatar {
  const meshes: Mesh[] = [];
  root.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    if (object.morphTargetDictionary) meshes.push(object);
    if (object instanceof SkinnedMesh) object.frustumCulled = false; // bounds of the rest pose are too small
  });
  const targets = [...new Set(meshes.flatMap((mesh) => Object.keys(mesh.morphTargetDictionary!)))];
  const expressions = Object.keys(vrm?.expressionManager?.expressionMap ?? {});
  const fit = (names: string[]): number => new Set(match(arkit, names).filter((i) => i >= 0)).size;
  const byTargets = fit(targets);
  const byExpressions = fit(expressions);
  if (Math.max(byTargets, byExpressions) === 0 && expressions.length === 0) {
    const have = targets.slice(0, 6).join(", ") || "no morph targets";
    throw new Error(`${name} has none of ARKit's 52 shapes, such as jawOpen, and no VRM expressions; it has ${have}`);
  }
  const fine = Math.max(byTargets, byExpressions) >= ENOUGH;
  const head = bone(root, vrm, "head");
  const old = vrm?.meta.metaVersion === "0";
  const rig = !fine && vrm ? (old ? "vrm0" : "vrm1") : head ? "livelink" : "arkit";
  const byVrm = vrm !== null && (!fine || byExpressions >= byTargets);
  const turn = head ? turning(head, vrm) : null;
  return {
    name,
    root,
    rig,
    frame: framed(root, vrm, meshes),
    told: byVrm ? `${expressions.length} VRM expressions` : `${byTargets} of 52 shapes, ${targets.length} morph targets`,
    drive(curves) {
      rest(meshes, vrm);
      turn?.rotation.set(0, 0, 0);
      const drives: Drive[] = [byVrm ? vrmExpressions(vrm, curves) : morphTargets(meshes, curves)];
      if (turn) drives.push(headTurn(turn, curves));
      return (values) => drives.forEach((drive) => drive(values));
    },
    tick: (seconds) => vrm?.update(seconds),
    weights() {
      const told: Record<string, number> = {};
      for (const mesh of meshes) {
        for (const [target, i] of Object.entries(mesh.morphTargetDictionary!)) {
          const weight = mesh.morphTargetInfluences![i]!;
          if (weight !== 0) told[target] = weight;
        }
      }
      return told;
    },
    dispose: () => scrap(root),
  };
}

/** Nothing moves, so that curves of another rig leave no trace. */
function rest(meshes: Mesh[], vrm: VRM | null): void {
  for (const mesh of meshes) mesh.morphTargetInfluences!.fill(0);
  for (const name of Object.keys(vrm?.expressionManager?.expressionMap ?? {})) vrm!.expressionManager!.setValue(name, 0);
}

type Part = "head" | "leftEye" | "rightEye";
const USUAL: Record<Part, RegExp> = {
  head: /(^|[:_.\- ])head$/i,
  leftEye: /(^|[:_.\- ])(left_?eye|eye[_.]?l(eft)?|l_eye)$/i,
  rightEye: /(^|[:_.\- ])(right_?eye|eye[_.]?r(ight)?|r_eye)$/i,
};

function bone(root: Object3D, vrm: VRM | null, part: Part): Object3D | null {
  if (vrm) return vrm.humanoid.getNormalizedBoneNode(part);
  let found: Object3D | null = null;
  root.traverse((object) => {
    if (!found && object instanceof Bone && USUAL[part].test(object.name)) found = object;
  });
  return found;
}

/** A joint that turns about the axes of the room, whatever its own at rest. */
function turning(joint: Object3D, vrm: VRM | null): Turning {
  joint.parent?.updateWorldMatrix(true, false);
  const parent = joint.parent?.getWorldQuaternion(new Quaternion()) ?? new Quaternion();
  if (vrm) parent.identity(); // its normalized joints look along +Z, whichever way the scene is turned
  const before = parent.clone().invert();
  const rest = parent.clone().multiply(joint.quaternion);
  const turn = new Quaternion();
  const euler = new Euler();
  return {
    rotation: {
      set(x: number, y: number, z: number, order: EulerOrder = "YXZ") {
        turn.setFromEuler(euler.set(x, y, z, order));
        joint.quaternion.copy(before).multiply(turn).multiply(rest);
      },
    },
  };
}

/** The head: by the distance of its eyes, or its joint, or what speaks. */
function framed(root: Object3D, vrm: VRM | null, meshes: Mesh[]): Frame {
  root.updateMatrixWorld(true);
  const at = (part: Part): Vector3 | null => bone(root, vrm, part)?.getWorldPosition(new Vector3()) ?? null;
  const [left, right, head] = [at("leftEye"), at("rightEye"), at("head")];
  if (left && right && left.distanceTo(right) > 1e-4) {
    const apart = left.distanceTo(right);
    const centre = left.add(right).multiplyScalar(0.5);
    centre.y -= apart * 0.42;
    return { centre, height: apart * 5.6 };
  }
  const box = new Box3();
  for (const mesh of meshes.length > 0 ? meshes : [root]) box.expandByObject(mesh);
  const centre = box.getCenter(new Vector3());
  const height = box.max.y - box.min.y || 1;
  if (head && height > 0) {
    const tall = Math.min(height, Math.max(0.05, (box.max.y - head.y) * 1.5));
    return { centre: new Vector3(head.x, head.y + tall * 0.3, head.z), height: tall * 1.3 };
  }
  return { centre, height: height * 1.15 };
}

function scrap(root: Object3D): void {
  root.removeFromParent();
  root.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    object.geometry.dispose();
    if (object instanceof SkinnedMesh) object.skeleton.dispose();
    const materials: Material[] = Array.isArray(object.material) ? object.material : [object.material];
    for (const material of materials) {
      for (const value of Object.values(material)) {
        if (!(value instanceof Texture)) continue;
        (value.image as { close?: () => void } | null)?.close?.(); // bitmaps are not collected by themselves
        value.dispose();
      }
      material.dispose();
    }
  });
}
