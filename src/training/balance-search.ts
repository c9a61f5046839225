/**
 * Alpha and gamma of the balanced loss chosen on data that training has a right to: training images that are held out of the tuning against
 * outliers of classes that no candidate saw. Test sets have no say. The network that is tuned may have been trained on the held-out images;
 * it then fits them better than new ones, in every candidate alike, and their accuracies are no estimates for new images.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createGenerator, formatDatasetSpec, type ImageDataset, openDataset, parseDatasetSpec } from "../data/index.js";
import { DataError, OptionError } from "../errors.js";
import { writeFileAtomic } from "../files.js";
import { detectionMetrics } from "../metrics/index.js";
import { readModel } from "../onnx/index.js";
import { createEngine } from "../runtime/index.js";
import { asClassifier, imageShape, normalizationFor, shapeHint } from "./classifier.js";
import { predict } from "./predict.js";
import { keepModel } from "./run-files.js";
import { holdOutImages } from "./run-inputs.js";
import type { TrainingContext } from "./run-training.js";
import { energyOf } from "./statistics.js";
import type { TrainingResult } from "./training-options.js";
import { tuneOnce } from "./tune-once.js";
import type { BalanceGrid, TuneOptions } from "./tune-options.js";

export interface BalanceCandidate {
  readonly alpha: number;
  readonly gamma: number;
  /** Area under the ROC curve of the energy, held-out training images against unseen classes of outliers, in [0, 1]. */
  readonly auroc: number;
  /** On held-out training images, in [0, 1]. */
  readonly accuracy: number;
}

export interface BalanceSearch {
  readonly candidates: readonly BalanceCandidate[];
  readonly chosen: BalanceCandidate;
  /** The run on all outliers with what was chosen. */
  readonly result: TrainingResult;
}

/** One in so many classes of outliers is kept from the candidates. */
const unseenShare = 4;
/** A candidate may fall short of the most accurate one by this much. */
const toleratedFall = 0.005;
/** Held-out images are needed here even where a run would do without. */
const heldOut = 0.1;

/**
 * Tunes once for every pair of alpha and gamma, in folders below `options.out/search`, without a quarter of the outliers' classes, and then
 * once more on everything with the best pair: the one of the highest AUROC among those whose accuracy is within half a point of the best.
 * `search.json` in `options.out` says how every pair did. A search that was stopped goes on where it was.
 *
 * @throws OptionError for a loss that balances nothing, DataError for outliers without at least four classes
 */
export async function tuneWithBalanceSearch(
  options: Omit<TuneOptions, "search">,
  grid: BalanceGrid,
  context: TrainingContext = {},
): Promise<BalanceSearch> {
  const { loss = "balanced-energy", outliers } = options;
  if (loss !== "balanced-energy" || outliers === undefined || grid.alpha.length === 0 || grid.gamma.length === 0) {
    throw new OptionError({
      where: "balance search",
      expected: "the loss balanced-energy, outliers, and at least one alpha and one gamma",
      received: `${loss}, ${grid.alpha.length} and ${grid.gamma.length}`,
    });
  }
  await keepModel(options.out, options.model);
  const candidates = await measureCandidates({ ...options, outliers }, grid, context);
  const chosen = bestCandidate(candidates);
  await writeFileAtomic(join(options.out, "search.json"), `${JSON.stringify({ candidates, chosen }, null, 2)}\n`);
  const { alpha, gamma } = chosen;
  const resume = options.resume === true && existsSync(join(options.out, "checkpoint.onnx"));
  return { candidates, chosen, result: await tuneOnce({ ...options, alpha, gamma, resume }, context) };
}

/** Tunes with every pair, in folders below `options.out/search`, and says how each does on what it was not tuned with. */
export async function measureCandidates(
  options: Omit<TuneOptions, "search"> & { readonly outliers: string },
  grid: BalanceGrid,
  context: TrainingContext = {},
): Promise<BalanceCandidate[]> {
  const { seen, unseen } = await splitByClass(options.outliers, options.seed ?? 1);
  const candidates: BalanceCandidate[] = [];
  for (const alpha of grid.alpha) {
    for (const gamma of grid.gamma) {
      const out = join(options.out, "search", `alpha-${alpha}-gamma-${gamma}`);
      // What was stopped goes on; what is finished takes no more steps and is measured again.
      const resume = options.resume === true && existsSync(join(out, "checkpoint.onnx"));
      const told = { ...options, outliers: seen, alpha, gamma, holdOut: options.holdOut || heldOut, out, resume };
      const { accuracy_after: accuracy, out: model } = await tuneOnce(told, context);
      candidates.push({ alpha, gamma, accuracy, auroc: await detection(model, told, unseen) });
    }
  }
  return candidates;
}

/** The highest AUROC among the candidates whose accuracy is within half a point of the best; of equals the first. */
export function bestCandidate(candidates: readonly BalanceCandidate[]): BalanceCandidate {
  const most = Math.max(...candidates.map(({ accuracy }) => accuracy));
  const accurate = candidates.filter(({ accuracy }) => accuracy >= most - toleratedFall);
  return accurate.reduce((best, candidate) => (candidate.auroc > best.auroc ? candidate : best));
}

/** Two specs of one set, with different classes. */
export async function splitByClass(spec: string, seed: number): Promise<{ seen: string; unseen: string }> {
  const { labels, classNames } = await openDataset(spec, { unread: true });
  const classes = [...new Set(labels)].filter((label) => label >= 0).sort((one, other) => one - other);
  const count = Math.floor(classes.length / unseenShare);
  if (count === 0) {
    throw new DataError({
      where: spec,
      expected: `outliers of at least ${unseenShare} labelled classes, some of which are kept as unseen`,
      received: `${classes.length}`,
      hint: "put them into one folder per class, or give --alpha and --gamma",
    });
  }
  const order = createGenerator(seed).fork("unseen classes").permutation(classes.length);
  const kept = Array.from(order.subarray(0, count), (place) => classes[place] as number);
  const chosen = new Set(kept);
  const others = classes.filter((label) => !chosen.has(label));
  const parsed = parseDatasetSpec(spec);
  // The number of a class would be taken for the class that is called so, as folders may be.
  const nameOf = (label: number) =>
    classNames?.includes(String(label)) ? encodeURIComponent(classNames[label] as string) : String(label);
  // Classes left out already are not among the labels, so `include` alone says all.
  const withClasses = (included: readonly number[]) => {
    const changed = new Map(parsed.options).set("include", included.map(nameOf).join(","));
    changed.delete("exclude");
    return formatDatasetSpec({ ...parsed, options: changed });
  };
  return { seen: withClasses(others), unseen: withClasses(kept) };
}

/** AUROC of the energy of a tuned model: the images its run held out against other outliers. */
async function detection(path: string, options: TuneOptions, unseen: string): Promise<number> {
  const classifier = asClassifier(await readModel(path), path);
  const id = await openDataset(options.id, shapeHint(classifier));
  const { held } = holdOutImages(id.labels as Int32Array, options.holdOut as number, options.seed ?? 1);
  const outliers = await openDataset(unseen, { shape: imageShape(classifier, id.shape), ignoreLabels: true });
  const engine = await createEngine(options.engine);
  try {
    const normalization = normalizationFor(classifier, options.normalization);
    const energies = async (set: ImageDataset, chosen?: Int32Array) => {
      const count = chosen?.length ?? set.length;
      const logits = await predict(engine, classifier, set, { normalization, ...(chosen && { indices: chosen }) });
      return energyOf(logits, logits.length / count);
    };
    return detectionMetrics(await energies(id, held), await energies(outliers), { preset: "official" }).auroc;
  } finally {
    await engine.close();
  }
}
