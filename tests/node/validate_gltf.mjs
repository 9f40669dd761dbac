// Khronos's glTF validator on one file: prints {"errors": n, "warnings": n, "messages": [...]}.
import { readFileSync } from "node:fs";
import validator from "gltf-validator";

const report = await validator.validateBytes(new Uint8Array(readFileSync(process.argv[2])));
const { numErrors, numWarnings, messages } = report.issues;
const grave = messages.filter(({ severity }) => severity < 2);
console.log(JSON.stringify({ errors: numErrors, warnings: numWarnings, messages: grave }));
