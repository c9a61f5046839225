/**
 * Experiments on the real data: several settings, several seeds, one table with mean and standard deviation. Every run keeps
 * its folder, so that a killed experiment goes on where it stopped.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Evaluation, evaluate } from "../../src/benchmarks/index.js";
import { openDataset, parseNormalization } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import type { LossName } from "../../src/losses/index.js";
import { readModel } from "../../src/onnx/index.js";
import { createEngine } from "../../src/runtime/index.js";
import type { ScoreName } from "../../src/scores/index.js";
import { asClassifier, type TrainingResult, type TuneOptions, tune } from "../../src/training/index.js";
import { meanOver } from "./statistics.js";

/** One row of a table: what is run, under which name. `undefined` options: the untouched model. */
export interface Setting {
  readonly name: string;
  readonly score: ScoreName;
  readonly options?: Partial<TuneOptions> & { readonly loss: LossName };
  /** Seeds of this row, where they are not the experiment's. */
  readonly seeds?: readonly number[];
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** What a reader must know to repeat it and not to misread it, one sentence each. */
  readonly protocol: readonly string[];
  readonly model: string;
  readonly id: string;
  readonly outliers: string;
  readonly normalization: string;
  readonly classCounts?: readonly number[];
  readonly settings: readonly Setting[];
  readonly seeds: readonly number[];
}

/** Numbers of one run, in percent. */
export interface RunNumbers {
  readonly accuracy: number;
  readonly groups?: Record<"many" | "medium" | "few", number>;
  readonly sets: Record<string, { auroc: number; aupr: number; fpr95: number }>;
  readonly tune?: Pick<TrainingResult, "steps" | "margins" | "seconds_per_step" | "accuracy_before" | "accuracy_after">;
}

/** Numbers of finished runs; committed, so that a table can be made again without running anything. */
export const resultsFolder = "docs/results/runs";

/** The stand-in OOD test sets of the data folder; none of them is a set of the paper. */
export const oodSets = [
  "cifar100-test",
  "tiny-imagenet-ood-test",
  "textures-ood-test",
  "chars74k-ood-test",
  "scenes-ood-test",
];

/** Mean and deviation of the pixels that the networks of the experiments on CIFAR were trained with. */
export const cifarNormalization = "0.485,0.456,0.406:0.229,0.224,0.225";

/** Images of each class of CIFAR-10 with an exponential long tail of ratio 0.01. */
export const longTailCounts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

/** Flags of every experiment, as `parseArgs` takes them. */
export const experimentFlags = {
  runs: { type: "string", default: "runs" },
  threads: { type: "string" },
  // Only the table, of the runs that are finished.
  table: { type: "boolean", default: false },
} as const;

export const dataFolder = (): string => {
  const folder = process.env.OFFMAP_DATA;
  if (folder === undefined) throw new Error("set OFFMAP_DATA to the folder with the unpacked CIFAR binaries");
  return folder;
};

/**
 * Runs what has not been run yet and returns the numbers by setting, one per seed.
 *
 * @param runs     folder for the runs; undefined: run nothing, and return what is finished
 * @param threads  of the engine; two experiments side by side with one thread each take less time than one after the other with two
 */
export async function runExperiment(
  experiment: Experiment,
  runs: string | undefined,
  threads?: number,
): Promise<Map<string, RunNumbers[]>> {
  const results = new Map<string, RunNumbers[]>();
  for (const setting of experiment.settings) {
    for (const seed of seedsOf(experiment, setting)) {
      const place = join(experiment.name, `${setting.name.replace(/[^a-z0-9.-]+/gi, "-")}-seed${seed}`);
      const done = join(resultsFolder, `${place}.json`);
      if (runs === undefined && !existsSync(done)) continue;
      const options = setting.options && {
        ...setting.options,
        ...(threads === undefined ? {} : { engine: { threads } }),
      };
      const numbers = await runOnce(
        experiment,
        { ...setting, ...(options === undefined ? {} : { options }) },
        seed,
        join(runs ?? "", place),
        done,
      );
      results.set(setting.name, [...(results.get(setting.name) ?? []), numbers]);
      const average = meanOver(Object.values(numbers.sets).map(({ fpr95 }) => fpr95));
      console.error(
        `${experiment.name} ${setting.name} seed ${seed}: accuracy ${numbers.accuracy.toFixed(2)}, FPR95 ${average.toFixed(2)}`,
      );
    }
  }
  return results;
}

/** The untouched model is the same under every seed. */
function seedsOf(experiment: Experiment, setting: Setting): readonly number[] {
  return setting.seeds ?? (setting.options === undefined ? experiment.seeds.slice(0, 1) : experiment.seeds);
}

async function runOnce(
  experiment: Experiment,
  setting: Setting,
  seed: number,
  folder: string,
  done: string,
): Promise<RunNumbers> {
  if (existsSync(done)) return JSON.parse(await readFile(done, "utf8")) as RunNumbers;
  await mkdir(dirname(done), { recursive: true });
  await mkdir(folder, { recursive: true });
  const normalization = parseNormalization(experiment.normalization);
  let result: TrainingResult | undefined;
  if (setting.options !== undefined) {
    const shared: TuneOptions = {
      model: experiment.model,
      id: experiment.id,
      // Where statistics are frozen, outliers change nothing about plain cross entropy but its cost.
      ...(setting.options.loss === "ce" && setting.options.batchNorm === "frozen"
        ? {}
        : { outliers: experiment.outliers }),
      normalization,
      holdOut: 0,
      seed,
      out: folder,
      resume: existsSync(join(folder, "checkpoint.onnx")),
    };
    result = await tune({ ...shared, ...setting.options }, { warn: (sentence) => console.error(sentence) });
  }
  const evaluation = await evaluateFile(experiment, setting, result?.out ?? experiment.model);
  const numbers = numbersOf(evaluation, result);
  await writeFileAtomic(done, `${JSON.stringify(numbers, null, 2)}\n`);
  return numbers;
}

async function evaluateFile(experiment: Experiment, { score }: Setting, path: string): Promise<Evaluation> {
  const engine = await createEngine();
  try {
    const open = (name: string) => openDataset(`cifar:${join(dataFolder(), `${name}.bin`)}`, { name });
    const test = await open("cifar10-test");
    const ood = await Promise.all(oodSets.map(open));
    return await evaluate(engine, asClassifier(await readModel(path)), test, ood, {
      scores: [score],
      preset: "official",
      normalization: parseNormalization(experiment.normalization),
      resamples: 0,
      ...(experiment.classCounts === undefined ? {} : { classCounts: experiment.classCounts }),
    });
  } finally {
    await engine.close();
  }
}

function numbersOf({ id, rows }: Evaluation, result: TrainingResult | undefined): RunNumbers {
  const sets = rows.map(
    ({ ood, auroc, aupr, fpr95 }) => [ood, { auroc: 100 * auroc, aupr: 100 * aupr, fpr95: 100 * fpr95 }] as const,
  );
  const { groups } = id;
  return {
    accuracy: 100 * (id.accuracy ?? Number.NaN),
    ...(groups === undefined
      ? {}
      : { groups: { many: 100 * groups.many, medium: 100 * groups.medium, few: 100 * groups.few } }),
    sets: Object.fromEntries(sets),
    ...(result === undefined
      ? {}
      : {
          tune: {
            steps: result.steps,
            margins: result.margins,
            seconds_per_step: result.seconds_per_step,
            accuracy_before: result.accuracy_before,
            accuracy_after: result.accuracy_after,
          },
        }),
  };
}
