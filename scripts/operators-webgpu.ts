/**
 * Runs every operator's cases on ONNX Runtime's WebGPU provider in a headless Chromium, and writes what came of it to
 * `docs/operators-webgpu.json`, from which `docs/operators.md` is made. A few minutes; no graphics card is needed.
 *
 *   npm run docs:webgpu
 */
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../src/files.js";
import { surveyWebGpu } from "../test/webgpu/survey.js";

const path = fileURLToPath(new URL("../docs/operators-webgpu.json", import.meta.url));
const survey = await surveyWebGpu((what) => process.stderr.write(`${what}\n`));
await writeFileAtomic(path, `${JSON.stringify(survey, undefined, 2)}\n`);
