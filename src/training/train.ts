import { createHash } from "node:crypto";
import { openDataset } from "../data/index.js";
import { DataError, OptionError } from "../errors.js";
import { type LossDefinition, losses } from "../losses/index.js";
import { type Architecture, architectures, createModel } from "../nn/index.js";
import { encodeModel } from "../onnx/index.js";
import { runTraining, type TrainingContext } from "./run-training.js";
import { resolveTrainOptions, type TrainOptions } from "./train-options.js";
import type { TrainingResult } from "./training-options.js";

/**
 * Trains a classifier from nothing. The data tell its number of classes, and the size of its images, and `seed` its starting values. See
 * {@link runTraining} for what is written and thrown.
 */
export async function train(options: TrainOptions, context: TrainingContext = {}): Promise<TrainingResult> {
  const resolved = resolveTrainOptions(options);
  const { classCount: classes, shape } = await openDataset(options.id);
  if (classes === undefined) {
    throw new DataError({
      where: options.id,
      expected: "labelled in-distribution images",
      received: "images without labels",
      hint: "put them into one folder per class, or use a list with labels",
    });
  }
  const architecture: Architecture = architectures[options.arch];
  const loss = losses[resolved.loss] as LossDefinition<object>;
  const head = {
    abstention: loss.abstentionClasses?.({ ...loss.defaults, ...resolved.lossOptions }) ?? 0,
    projection: loss.projects ?? false,
    deconf: resolved.head === "deconf",
  };
  if (head.deconf && head.abstention > 0) {
    throw new OptionError({
      where: "--head deconf",
      expected: "a loss without abstention classes, for which that head has no units",
      received: resolved.loss,
    });
  }
  const model = createModel(architecture, { classes, shape, width: resolved.width, ...head }, resolved.seed);
  const digest = createHash("sha256").update(encodeModel(model)).digest("hex");
  const start = { model, where: options.arch, digest, trained: false };
  return runTraining(start, resolved, options, context);
}
