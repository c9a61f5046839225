/** Training steps of a segmentation network on batches that a test brings. */
import type { PixelLossDefinition } from "../../src/losses/pixels/index.js";
import { encodeModel } from "../../src/onnx/index.js";
import type { Model } from "../../src/onnx/types.js";
import type { Engine } from "../../src/runtime/index.js";
import type { OptimizerName } from "../../src/training/optimizers/index.js";
import { type PixelPlanOptions, planPixels } from "../../src/training/segmentation/pixel-plan.js";
import { buildPixelStep } from "../../src/training/segmentation/pixel-step.js";
import { labelFeeds } from "../../src/training/segmentation/scene-source.js";
import { asSegmenter } from "../../src/training/segmentation/segmenter.js";
import { Trainer } from "../../src/training/trainer.js";

/** Scenes as float32 [N, ...shape] and their labels as uint8 [N, H, W]. */
export interface SceneBatch {
  readonly images: Float32Array;
  readonly labels: Uint8Array;
}

export interface PixelSteps extends PixelPlanOptions {
  /** Channels, height and width. */
  readonly shape: readonly [number, number, number];
  readonly batch: number;
  readonly loss: PixelLossDefinition<object>;
  readonly lossOptions?: object | undefined;
  /** Share of each class among outlier pixels, [K]. */
  readonly prior: readonly number[];
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly weightDecay?: number;
}

/** @returns the readings of each step, what was trained, and the values from which it started */
export async function runPixelSteps(engine: Engine, model: Model, batches: readonly SceneBatch[], options: PixelSteps) {
  const { shape, batch, loss, lossOptions, prior, optimizer, learningRate, weightDecay = 0 } = options;
  const classes = prior.length;
  const segmenter = asSegmenter(model, shape, { classes, abstention: loss.abstentionClasses ?? 0 }, 1);
  const { parameters, partition, rows, prefix } = planPixels(segmenter, shape, options);
  const [height, width] = [shape[1], shape[2]];
  const trainer = new Trainer(engine, (sizes) =>
    buildPixelStep({
      ...{ model: segmenter.upgraded, logits: segmenter.logits, partition, parameters, rows, classes, prior },
      ...{ loss, lossOptions: { ...loss.defaults, ...lossOptions }, height, width },
      ...{ batchNorm: options.batchNorm, optimizer, optimizerOptions: { momentum: 0.9, weightDecay } },
      ...sizes,
    }),
  );
  await trainer.start({ batch: 1, outlierBatch: 0 });
  const frozen = prefix && (await engine.load(encodeModel(prefix)));
  const sizes = { batch, outlierBatch: 0 };
  const readings = [];
  for (const [at, { images, labels }] of batches.entries()) {
    const image = { [segmenter.input]: { dtype: "float32", dims: [batch, ...shape], data: images.slice() } as const };
    const masks = labelFeeds({ images: { data: new Uint8Array(), count: batch, shape }, labels });
    const feeds = { ...((await frozen?.run(image)) ?? image), ...masks };
    readings.push(await trainer.step({ sizes, feeds }, learningRate, at + 1));
  }
  const trained = await trainer.trained();
  await frozen?.release();
  await trainer.close();
  return { readings, trained, start: segmenter.upgraded.graph.initializers };
}
