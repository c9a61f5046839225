/** The comparison the paper's tables make: one model, tuned with several losses on the same batches, against itself untouched. */
import { join } from "node:path";
import { type ImageDataset, openDataset } from "../data/index.js";
import { type LossName, losses } from "../losses/index.js";
import type { PresetName } from "../metrics/index.js";
import { readModel } from "../onnx/index.js";
import { createEngine } from "../runtime/index.js";
import type { ScoreName } from "../scores/index.js";
import { imageShape } from "../training/classifier.js";
import {
  asClassifier,
  normalizationFor,
  shapeHint,
  type TrainingContext,
  type TrainingResult,
  type TuneOptions,
  tune,
} from "../training/index.js";
import { silent } from "../training/progress.js";
import { type Evaluation, evaluate } from "./evaluate.js";

export interface CompareLossesOptions {
  /** What all runs share; `out` gets one folder per loss. */
  readonly tune: Omit<TuneOptions, "loss">;
  readonly losses: readonly LossName[];
  /** In-distribution test set. */
  readonly test: string;
  /** OOD test sets by name. */
  readonly ood: Readonly<Record<string, string>>;
  readonly preset: PresetName;
  /** Scores of the untouched model; tuned models are read by the score their loss shapes. */
  readonly scores: readonly ScoreName[];
  /** Images per class in the training set, for many/medium/few-shot accuracy. */
  readonly classCounts?: readonly number[];
  readonly resamples?: number;
}

export interface ComparedModel {
  /** `untouched` or the name of the loss. */
  readonly name: string;
  readonly evaluation: Evaluation;
  /** Scores that belong to this model, the one to rely on last. */
  readonly scores: readonly ScoreName[];
  /** Absent for the untouched model. */
  readonly result?: TrainingResult;
}

export interface LossComparison {
  readonly models: readonly ComparedModel[];
  readonly test: ImageDataset;
  readonly ood: readonly ImageDataset[];
}

export async function compareLosses(
  options: CompareLossesOptions,
  context: TrainingContext = {},
): Promise<LossComparison> {
  const engine = await createEngine(options.tune.engine);
  try {
    const original = asClassifier(await readModel(options.tune.model));
    const test = await openDataset(options.test, { ...shapeHint(original), name: "test" });
    const shape = imageShape(original, test.shape);
    const ood = await Promise.all(
      Object.entries(options.ood).map(([name, spec]) => openDataset(spec, { shape, name, ignoreLabels: true })),
    );
    const evaluateModel = async (path: string, scores: readonly ScoreName[]) => {
      const classifier = asClassifier(await readModel(path));
      return evaluate(engine, classifier, test, ood, {
        scores,
        preset: options.preset,
        normalization: normalizationFor(classifier, options.tune.normalization),
        progress: context.progress ?? silent,
        ...(options.resamples === undefined ? {} : { resamples: options.resamples }),
        ...(options.classCounts === undefined ? {} : { classCounts: options.classCounts }),
        ...(context.signal === undefined ? {} : { signal: context.signal }),
      });
    };
    const models: ComparedModel[] = [
      {
        name: "untouched",
        evaluation: await evaluateModel(options.tune.model, options.scores),
        scores: options.scores,
      },
    ];
    for (const loss of options.losses) {
      const result = await tune({ ...options.tune, loss, out: join(options.tune.out, loss) }, context);
      const score = losses[loss].score as ScoreName;
      // Outlier exposure is also read by its energy, so that the losses can be compared under one score.
      const scores: ScoreName[] = score === "energy" ? [score] : ["energy", score];
      models.push({ name: loss, evaluation: await evaluateModel(result.out, scores), scores, result });
    }
    return { models, test, ood };
  } finally {
    await engine.close();
  }
}
