/** `offmap eval`: runs one model or several over the test sets, and makes tables and the report of it. */
import { join, resolve, sep } from "node:path";
import {
  type EvaluatedSet,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type OodSet,
} from "../benchmarks/index.js";
import { type ImageDataset, type Normalization, openDataset, writeNpy } from "../data/index.js";
import { OptionError } from "../errors.js";
import { writeFileAtomic } from "../files.js";
import { normalizationText } from "../guard/same-normalization.js";
import { presets } from "../metrics/index.js";
import { type Report, renderCsv, renderMarkdownTable, writeReport } from "../report/index.js";
import { escapeMarkdown } from "../report/markdown.js";
import { modelResult } from "../report/model-result.js";
import type { Device } from "../runtime/index.js";
import { classNamesOf } from "../training/class-names.js";
import { type Classifier, imageShape } from "../training/classifier.js";
import { shapeHint } from "../training/index.js";
import { hashFile } from "../training/run-files.js";
import { version } from "../version.js";
import { countClasses } from "./class-counts.js";
import { type OpenedClassifier, openClassifiers, withEngine } from "./classifier-run.js";
import type { CommandIo } from "./command-io.js";
import { acrossModels, baselineName } from "./compared-models.js";
import { fileNames } from "./file-names.js";
import type { NamedDataset } from "./named-dataset.js";
import { openOodSets } from "./ood-sets.js";
import { makeOutputFolder } from "./output-folder.js";

export interface EvaluationSettings extends Pick<EvaluateOptions, "scores" | "fitted" | "preset" | "batch"> {
  readonly id: string;
  readonly ood: readonly NamedDataset[];
  /** Dataset of training images whose classes are counted. */
  readonly classCounts?: string;
  readonly normalize?: Normalization;
  readonly device?: Device;
  readonly threads?: number;
  /** Puts the scores in the order of their mean AUROC, the best last, which is the one that is plotted. */
  readonly ranked?: boolean;
}

export interface EvaluatedModel {
  readonly name: string;
  readonly path: string;
  /** Of the pixels that it was given, as text. */
  readonly normalization: string;
  readonly evaluation: Evaluation;
}

export interface FinishedEvaluation {
  readonly models: readonly EvaluatedModel[];
  readonly data: readonly EvaluatedData[];
  readonly report: Report;
}

/** A set of images that models were run over. */
interface EvaluatedData {
  readonly name: string;
  readonly spec: string;
  readonly images: number;
  /** SHA-256 of images, selection and labels, in hexadecimal. */
  readonly fingerprint: string;
}

/** @param paths  the baseline first where there is one */
export async function evaluateModels(
  paths: readonly string[],
  settings: EvaluationSettings,
  { progress, signal, warn }: CommandIo,
): Promise<FinishedEvaluation> {
  const names = modelNames(paths);
  const opened = await openClassifiers(paths, settings.normalize, warn);
  return withEngine(settings, async (engine) => {
    const models: EvaluatedModel[] = [];
    const results: Report["models"][number][] = [];
    let sets: { readonly id: ImageDataset; readonly ood: readonly OodSet[] } | undefined;
    for (const [index, path] of paths.entries()) {
      const { classifier, normalization } = opened[index] as OpenedClassifier;
      const { id, ood } = await openSets(settings, classifier);
      sets ??= { id, ood };
      const counts = settings.classCounts === undefined ? undefined : await countClasses(settings.classCounts);
      const evaluation = inOrder(
        settings.ranked,
        await evaluate(engine, classifier, id, ood, {
          scores: settings.scores,
          fitted: settings.fitted,
          preset: settings.preset,
          normalization,
          progress,
          signal,
          batch: settings.batch,
          ...(counts === undefined ? {} : { classCounts: counts }),
        }),
      );
      const name = names[index] as string;
      const classNames = id.classNames ?? classNamesOf(classifier.model) ?? [];
      models.push({ name, path, normalization: normalizationText(normalization), evaluation });
      results.push(
        await modelResult({ name, evaluation, ood, classNames, scores: evaluation.average.map(({ score }) => score) }),
      );
    }
    const { id, ood } = sets as NonNullable<typeof sets>;
    const data = await Promise.all(
      [id, ...ood].map(async (set) => ({
        ...{ name: set.name, spec: set.spec, images: set.length, fingerprint: await set.fingerprint() },
      })),
    );
    return { models, data, report: await describe(models, results, id, ood, data, settings) };
  });
}

function inOrder(ranked: boolean | undefined, evaluation: Evaluation): Evaluation {
  if (!ranked) return evaluation;
  return { ...evaluation, average: evaluation.average.toSorted((a, b) => a.auroc - b.auroc) };
}

/** File names without their endings, and as many of their folders as it takes to tell them apart. */
export function modelNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path.replace(/\.onnx$/i, "")).split(sep));
  const depth = Math.max(...parts.map(({ length }) => length));
  for (let kept = 1; kept <= depth; kept++) {
    const names = parts.map((all) => all.slice(-kept).join("/"));
    if (new Set(names).size === paths.length) return names;
  }
  const whole = parts.map((all) => all.join("/"));
  throw new OptionError({
    where: "--baseline",
    expected: "every model once",
    received: `${paths[whole.findIndex((path, index) => whole.indexOf(path) !== index)]} twice`,
  });
}

/** A model that takes any size gets all sets in that of the in-distribution images: else the size alone would tell them apart. */
async function openSets({ id, ood }: EvaluationSettings, classifier: Classifier) {
  const hint = shapeHint(classifier);
  const known = await openDataset(id, hint);
  return { id: known, ood: await openOodSets(ood, { ...hint, shape: imageShape(classifier, known.shape) }) };
}

async function describe(
  models: readonly EvaluatedModel[],
  results: Report["models"],
  id: ImageDataset,
  ood: readonly OodSet[],
  data: readonly EvaluatedData[],
  settings: EvaluationSettings,
): Promise<Report> {
  const preset = presets[settings.preset];
  const subject = models.at(-1) as EvaluatedModel;
  const hashes = await Promise.all(
    models.map(async ({ name, path }) => [`SHA-256 of ${name}`, await hashFile(path)] as const),
  );
  const normalizations = models.map(
    ({ name, normalization }) =>
      [`normalization for ${name}`, normalization === "none" ? "none: pixels from 0 to 1" : normalization] as const,
  );
  const sets = data.map(({ name, spec, fingerprint }) => [`data ${name}`, `${spec}, SHA-256 ${fingerprint}`] as const);
  return {
    title: `Out-of-distribution detection of ${subject.name}`,
    summary: [
      `${new Intl.ListFormat("en").format(models.map(({ name }) => name))} ${models.length === 1 ? "was" : "were"} run over ${id.length} in-distribution test images and ${ood.length === 1 ? "one OOD set" : `${ood.length} OOD sets`}.`,
      headline(models),
    ],
    protocol:
      `In-distribution: ${id.name} (${id.length}); OOD sets: ${ood.map(sizeOf).join(", ")}. OOD is the positive class. ` +
      `Preset ${settings.preset} (${preset.source}): AUPR is ${preset.describes.aupr}; FPR95 is the false positive rate ${preset.describes.fpr} of 95 %.`,
    models: results,
    baseline: (models[0] as EvaluatedModel).name,
    facts: [["Offmap", version], ["Node", process.version], ...hashes, ...normalizations, ...sets],
    notes: [],
  };
}

/** With the images of the set that count as in-distribution where there are any. */
function sizeOf({ name, length, alsoInDistribution }: OodSet): string {
  const known = alsoInDistribution === undefined ? "" : ` and ${alsoInDistribution.length} more as in-distribution`;
  return `${name} (${length}${known})`;
}

/** The last score's average, and the accuracy, of each model. */
function headline(models: readonly EvaluatedModel[]): string {
  const figures = models.map(({ name, evaluation: { average, id } }) => ({
    name,
    ...average.at(-1),
    accuracy: id.accuracy,
  }));
  const way = (key: "fpr95" | "auroc" | "accuracy") =>
    acrossModels(figures.map((figure) => ({ name: figure.name, value: figure[key] })));
  const accuracy = figures.some((figure) => figure.accuracy !== undefined) ? `; accuracy ${way("accuracy")}` : "";
  return `By the ${models[0]?.evaluation.average.at(-1)?.score} score the average AUROC ${way("auroc")} and the average FPR95 ${way("fpr95")}${accuracy}.`;
}

/** What `offmap eval --json` prints of one model; the field names are a contract. A class without images has the accuracy null. */
export function evaluationDocument({ normalization, evaluation }: EvaluatedModel) {
  const {
    preset,
    id: { byClass, ...id },
    sets,
    rows,
    average,
  } = evaluation;
  const images = (scores: EvaluatedSet["scores"] = {}) => Object.values(scores)[0]?.length ?? 0;
  return {
    normalization,
    preset,
    id: { ...id, ...(byClass && { class_accuracies: Array.from(byClass) }) },
    ood: sets.ood.map(({ name, scores, alsoInDistribution }) => ({
      name,
      images: images(scores),
      also_in_distribution: images(alsoInDistribution),
    })),
    rows,
    average,
  };
}

/** `eval.json`, `table.md`, `table.csv`, `report.html`, and `scores/` with one NPY file per model, set and score. */
export async function writeEvaluation(
  folder: string,
  document: object,
  { models, report }: FinishedEvaluation,
): Promise<void> {
  const rows = report.models.flatMap((model) => model.rows);
  await writeFileAtomic(join(folder, "eval.json"), `${JSON.stringify(document, null, 2)}\n`);
  await writeFileAtomic(
    join(folder, "table.md"),
    `${renderMarkdownTable(rows, baselineName(models))}\n${escapeMarkdown(report.protocol)}\n`,
  );
  await writeFileAtomic(join(folder, "table.csv"), renderCsv(rows));
  await writeReport(report, join(folder, "report.html"));
  const folders = fileNames(models.map(({ name }) => name));
  for (const [index, { evaluation }] of models.entries()) {
    const target = models.length === 1 ? join(folder, "scores") : join(folder, "scores", folders[index] as string);
    await makeOutputFolder(target);
    const { id, ood } = evaluation.sets;
    const files = [
      ["id", id.scores] as const,
      ...ood.map(({ name: set, scores }) => [set, scores] as const),
      ...ood.map(({ name: set, alsoInDistribution = {} }) => [`${set}-id`, alsoInDistribution] as const),
    ];
    const names = fileNames(files.map(([setName]) => setName));
    for (const [place, [, scores]] of files.entries()) {
      for (const [score, values] of Object.entries(scores)) {
        await writeNpy(join(target, `${names[place]}-${score}.npy`), values.slice());
      }
    }
  }
}
