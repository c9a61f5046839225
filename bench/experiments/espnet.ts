/**
 * Someone else's segmentation network: the mean IoU of ESPNet on the test frames of CamVid, as its authors trained it, beside the figure they
 * published. Ends with exit code 1 where the two are more than a point apart.
 *
 *   OFFMAP_CAMVID=DIR OFFMAP_MODELS=DIR npx tsx bench/experiments/espnet.ts [--threads 2]
 *
 * OFFMAP_CAMVID holds train, val and test; the models' folder holds `espnet-camvid.onnx`: RGB in [0, 1], normalised inside, eleven classes and
 * a twelfth output that is not used. The same figure comes from
 *
 *   offmap eval --model espnet-camvid.onnx --id "camvid:DIR?split=test"
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evaluateSegmentation } from "../../src/benchmarks/segmentation/index.js";
import { openSegmentation } from "../../src/data/index.js";
import { readModel } from "../../src/onnx/index.js";
import { createEngine } from "../../src/runtime/index.js";
import { asClassifier } from "../../src/training/index.js";

/** Mehta, Rastegari, Caspi, Shapiro and Hajishirzi, "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions", ECCV 2018; the published code, p = 2, q = 8. */
const published = 0.5564;

const { values: flags } = parseArgs({ options: { threads: { type: "string", default: "2" } } });
const path = join(process.env.OFFMAP_MODELS ?? "", "espnet-camvid.onnx");
const scenes = await openSegmentation(`camvid:${process.env.OFFMAP_CAMVID ?? ""}?split=test`);
const engine = await createEngine({ threads: Number(flags.threads) });
const started = performance.now();
const { segmentation, images } = await evaluateSegmentation(engine, asClassifier(await readModel(path), path), scenes, {
  scores: [],
  preset: "official",
});
const seconds = (performance.now() - started) / 1000;
await engine.close();
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const miou = segmentation?.miou ?? Number.NaN;
for (const { class: name, iou } of segmentation?.class_iou ?? [])
  console.log(`${name.padEnd(12)} ${percent(iou ?? 0)}`);
console.log(`mean IoU of ${images} images: ${percent(miou)}, published ${percent(published)}; ${seconds.toFixed(0)} s`);
process.exitCode = Math.abs(miou - published) <= 0.01 ? 0 : 1;
