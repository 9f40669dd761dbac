// The page as files under service/voxrig/studio/page. Everything is inside: no address but the server's own.

import { defineConfig, type Plugin } from "vite";
import { EAR } from "../src/microphone.js";

/** The microphone's worklet as a file of its own: the page's policy takes no script from a blob. */
function ear(): Plugin {
  const name = "virtual:ear";
  let file = "";
  return {
    name: "ear",
    buildStart() {
      file = this.emitFile({ type: "asset", name: "ear.js", source: EAR });
    },
    resolveId: (id) => (id === name ? "\0" + name : undefined),
    load: (id) => (id === "\0" + name ? `export default import.meta.ROLLUP_FILE_URL_${file};` : undefined),
  };
}

export default defineConfig({
  plugins: [ear()],
  base: "/",
  build: {
    outDir: "../../../service/voxrig/studio/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // data: addresses are not allowed for scripts and fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    license: { fileName: "assets/licenses.md" }, // of what is bundled
  },
});
