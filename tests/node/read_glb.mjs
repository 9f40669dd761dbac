// What three.js plays of a GLB's last animation. Prints for every mesh, by its node's name, the names of its
// morph targets and their weights at each of the times that come as JSON on standard input.
import { readFileSync } from "node:fs";
import { AnimationMixer } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

globalThis.self = globalThis;
const times = JSON.parse(readFileSync(0, "utf8"));
const gltf = await new GLTFLoader().parseAsync(Uint8Array.from(readFileSync(process.argv[2])).buffer, "");
const clip = gltf.animations.at(-1);
const mixer = new AnimationMixer(gltf.scene);
mixer.clipAction(clip).play();
const meshes = {};
gltf.scene.traverse((object) => {
  if (object.morphTargetInfluences) {
    meshes[object.name] = { targets: Object.keys(object.morphTargetDictionary), weights: [], object };
  }
});
for (const time of times) {
  mixer.setTime(Math.min(time, clip.duration * (1 - 1e-9))); // the end itself would begin the next round
  for (const mesh of Object.values(meshes)) {
    mesh.weights.push([...mesh.object.morphTargetInfluences]);
  }
}
for (const mesh of Object.values(meshes)) delete mesh.object;
const tracks = clip.tracks.map(({ name, times, values }) => ({ name, times: [...times], values: [...values] }));
console.log(JSON.stringify({ name: clip.name, count: gltf.animations.length, tracks, meshes }));
