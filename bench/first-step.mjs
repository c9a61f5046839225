/** For bench/startup.ts, on the built package: `node first-step.mjs MODEL batch|frozen` gets a training step of all layers ready to run, 128 + 256 images. */
import { losses } from "../dist/losses/index.js";
import { encodeModel, readModel } from "../dist/onnx/index.js";
import { blockSize, LocalEngine } from "../dist/runtime/index.js";
import { asClassifier, planTraining } from "../dist/training/index.js";
import { buildTrainingStep } from "../dist/training/step.js";

const [path, batchNorm] = process.argv.slice(2);
const classifier = asClassifier(await readModel(path), path);
const plan = planTraining(classifier, [3, 32, 32], "all");
const engine = new LocalEngine({ threads: 2 });
const loss = losses["balanced-energy"];
const { model, updates } = buildTrainingStep({
  model: classifier.upgraded,
  logits: classifier.logits,
  partition: plan.partition,
  parameters: plan.parameters,
  loss,
  lossOptions: { ...loss.defaults, mIn: -10, mOut: -3 },
  weight: 0.1,
  prior: new Array(plan.classes).fill(1 / plan.classes),
  batchNorm,
  sgd: { momentum: 0.9, weightDecay: 5e-4 },
  rows: plan.rows,
  batch: 128,
  outlierBatch: 256,
  block: await blockSize(engine),
});
await engine.load(encodeModel(model), { updates });
await engine.close();
