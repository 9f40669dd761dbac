// What faces drive: three.js morph targets, three-vrm expressions, a head that turns. No dependency on either:
// only the fields that are used are described here.

import { match } from "./names.js";

export interface Morphing {
  morphTargetDictionary?: Record<string, number> | undefined;
  morphTargetInfluences?: number[] | undefined;
}

export interface Traversable {
  traverse(visit: (child: never) => void): void;
}

export interface Expressive {
  expressionManager?: {
    expressionMap: Record<string, unknown>;
    setValue(name: string, weight: number): void;
  };
}

export interface Turning {
  rotation: { set(x: number, y: number, z: number, order?: "YXZ"): unknown };
}

/** Sets values, in the order of the curves that it was made for. */
export interface Drive {
  (values: ArrayLike<number>): void;
  /** Curves that nothing takes. */
  readonly missing: string[];
}

/** Drives the morph targets of an object and all that is in it, or of a list of meshes, by name. */
export function morphTargets(root: Traversable | readonly Morphing[], curves: readonly string[]): Drive {
  const meshes: Morphing[] = [];
  if ("traverse" in root) root.traverse((child: Morphing) => void meshes.push(child));
  else meshes.push(...root);
  const wires: [number[], number, number][] = []; // influences, which of them, curve
  for (const { morphTargetDictionary: names, morphTargetInfluences: influences } of meshes) {
    if (!names || !influences) continue;
    const found = match(curves, Object.keys(names));
    Object.values(names).forEach((target, i) => {
      if (found[i]! >= 0) wires.push([influences, target, found[i]!]);
    });
  }
  return drive(curves, new Set(wires.map(([, , curve]) => curve)), (values) => {
    for (const [influences, target, curve] of wires) influences[target] = values[curve]!;
  });
}

/** Drives the expressions of a VRM of @pixiv/three-vrm, presets and custom ones, by name. */
export function vrmExpressions(vrm: Expressive, curves: readonly string[]): Drive {
  const manager = vrm.expressionManager;
  const names = manager ? Object.keys(manager.expressionMap) : [];
  const found = match(curves, names);
  return drive(curves, new Set(found.filter((curve) => curve >= 0)), (values) => {
    names.forEach((name, i) => {
      if (found[i]! >= 0) manager!.setValue(name, values[found[i]!]!);
    });
  });
}

/** Turns an object that looks along +Z by headYaw, headPitch and headRoll (radians), where the rig has them. */
export function headTurn(object: Turning, curves: readonly string[]): Drive {
  const [yaw, pitch, roll] = match(curves, ["headYaw", "headPitch", "headRoll"]);
  const taken = new Set([yaw!, pitch!, roll!].filter((curve) => curve >= 0));
  return drive(curves, taken, (values) => {
    const at = (curve: number) => (curve < 0 ? 0 : values[curve]!);
    object.rotation.set(at(pitch!), -at(yaw!), at(roll!), "YXZ");
  });
}

function drive(curves: readonly string[], taken: Set<number>, set: (values: ArrayLike<number>) => void): Drive {
  return Object.assign(set, { missing: curves.filter((_, i) => !taken.has(i)) });
}
