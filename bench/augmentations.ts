/**
 * Images per second of the augmentations, batches of 256 real images of 32 x 32 on one core:
 *
 *   npx tsx bench/augmentations.ts
 *
 * The best of many batches, so that what else the machine does shows least.
 */
import { fileURLToPath } from "node:url";
import {
  type AugmentationName,
  augmentations,
  composeAugmentations,
  createGenerator,
  cutmix,
  mixup,
  openDataset,
} from "../src/data/index.js";

const count = 256;
const seconds = 3;
const assets = fileURLToPath(new URL("../assets/demo/cifar10-train.json", import.meta.url));
const dataset = await openDataset(`sheet:${assets}?limit=${2 * count}`);
const indices = Array.from({ length: count }, (_, index) => index);
const batch = await dataset.read(indices);
const others = await dataset.read(indices.map((index) => index + count));
const labels = new Int32Array(count);
const generator = createGenerator(1);

const views = composeAugmentations(["crop-flip", "color-jitter", "grayscale"]);
const measured: Readonly<Record<string, (step: number) => unknown>> = {
  ...Object.fromEntries(
    (Object.keys(augmentations) as AugmentationName[]).map((name) => [
      name,
      (step: number) => augmentations[name](batch, generator.fork(step)),
    ]),
  ),
  "crop-flip, color-jitter, grayscale": (step) => views(batch, generator.fork(step)),
  mixup: (step) => mixup({ batch, labels, generator: generator.fork(step) }),
  cutmix: (step) => cutmix({ foreground: batch, background: others, generator: generator.fork(step) }),
};

for (const [name, run] of Object.entries(measured)) {
  let best = Number.POSITIVE_INFINITY;
  const start = performance.now();
  for (let step = 0; performance.now() - start < 1000 * seconds; step++) {
    const before = performance.now();
    run(step);
    best = Math.min(best, performance.now() - before);
  }
  console.log(`${name.padEnd(36)} ${Math.round((1000 * count) / best).toLocaleString("en")} images/s`);
}
