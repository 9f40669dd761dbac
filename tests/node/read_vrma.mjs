// What three-vrm-animation reads of a VRMA: expression tracks by name, preset and custom apart.
import { readFileSync } from "node:fs";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { VRMAnimationLoaderPlugin } from "@pixiv/three-vrm-animation";

globalThis.self = globalThis;
const loader = new GLTFLoader();
loader.register((parser) => new VRMAnimationLoaderPlugin(parser));
const gltf = await loader.parseAsync(Uint8Array.from(readFileSync(process.argv[2])).buffer, "");
const animation = gltf.userData.vrmAnimations[0];
const read = (tracks) =>
  Object.fromEntries([...tracks].map(([name, { times, values }]) => [name, [[...times], [...values]]]));
const { preset, custom } = animation.expressionTracks;
const bones = animation.humanoidTracks.rotation.size + animation.humanoidTracks.translation.size;
console.log(JSON.stringify({ duration: animation.duration, preset: read(preset), custom: read(custom), bones }));
