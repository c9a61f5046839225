/** Offmap's side of bench/metrics.ts, on the built package: `node metrics-offmap.mjs ID.f32 OOD.f32 PRESET REPEATS` prints the best time and the metrics as JSON. */
import { readFileSync } from "node:fs";
import { detectionMetrics } from "../dist/metrics/index.js";

const [idFile, oodFile, preset, repeats] = process.argv.slice(2);
const scores = (path) => {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
};
const [id, ood] = [scores(idFile), scores(oodFile)];
let best = { seconds: Number.POSITIVE_INFINITY };
for (let repeat = 0; repeat < Number(repeats); repeat++) {
  const start = performance.now();
  const metrics = detectionMetrics(id, ood, { preset });
  const seconds = (performance.now() - start) / 1000;
  if (seconds < best.seconds) best = { seconds, ...metrics };
}
console.log(JSON.stringify(best));
