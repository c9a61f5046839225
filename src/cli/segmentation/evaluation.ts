/** `offmap eval` and `compare` with segmentation networks: runs one model or several over the test sets, and makes tables and the report of it. */
import { join } from "node:path";
import {
  evaluateSegmentation,
  type PixelRow,
  type SegmentationEvaluation,
} from "../../benchmarks/segmentation/index.js";
import { type Normalization, type PastePlan, type SegmentationDataset, writePastePlan } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import type { PixelPart, PixelScoreName, SegmentJudge } from "../../guard/segmentation/index.js";
import { componentTracks, type PresetName, presets } from "../../metrics/index.js";
import { count } from "../../report/format.js";
import { type DetectionRow, renderCsv, renderMarkdownTable } from "../../report/index.js";
import { escapeMarkdown } from "../../report/markdown.js";
import {
  type ProtocolTable,
  renderSegmentationReport,
  type SegmentationReport,
} from "../../report/segmentation/index.js";
import type { Device } from "../../runtime/index.js";
import { classNamesOf } from "../../training/class-names.js";
import type { Prior } from "../../training/prior.js";
import { readPrior } from "../../training/prior-file.js";
import { hashFile } from "../../training/run-files.js";
import { version } from "../../version.js";
import { type OpenedClassifier, openClassifiers, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { acrossModels, baselineName } from "../compared-models.js";
import { modelNames } from "../evaluation.js";
import { fileNames } from "../file-names.js";
import { numberedClasses } from "./classes-option.js";
import { otherProtocols } from "./other-protocols.js";
import { classesOfSets, type OpenedSets, openTestSets, type SetsTold } from "./sets.js";
import { shownSets } from "./shown-sets.js";

export interface SegmentationSettings extends SetsTold {
  readonly scores: readonly PixelScoreName[];
  readonly fitted?: readonly PixelPart[] | undefined;
  readonly preset: PresetName;
  readonly normalize?: Normalization | undefined;
  /** File of `offmap prior`, for the report. */
  readonly prior?: string | undefined;
  readonly perImage?: boolean | undefined;
  readonly components?: keyof typeof componentTracks | undefined;
  readonly judge?: SegmentJudge | undefined;
  /** K, where no labels of the sets tell classes. */
  readonly classes?: number | undefined;
  /** Those of the scenes that scores were fitted to, where neither the sets nor `classes` tell them. */
  readonly fittedClasses?: readonly string[] | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
  /** Puts the scores in the order of their mean AUROC, the best last, which is the one that images are chosen by. */
  readonly ranked?: boolean;
  /** Makes the report, which takes a second look at some images. */
  readonly report: boolean;
}

export interface EvaluatedSegmenter {
  readonly name: string;
  readonly path: string;
  /** Of the set whose classes are judged. */
  readonly id: SegmentationEvaluation | undefined;
  readonly ood: readonly SegmentationEvaluation[];
  /** Unweighted means over the OOD sets, one per score, in the order of the scores. */
  readonly average: readonly Pick<PixelRow, "score" | "auroc" | "aupr" | "fpr95">[];
}

export interface FinishedSegmentation {
  readonly models: readonly EvaluatedSegmenter[];
  readonly rows: readonly DetectionRow[];
  readonly protocol: string;
  readonly report: SegmentationReport | undefined;
  /** Which object lies where, of each set whose objects were pasted, by its name. */
  readonly plans: ReadonlyMap<string, PastePlan>;
}

/** @param paths  the baseline first where there is one */
export async function evaluateSegmenters(
  paths: readonly string[],
  settings: SegmentationSettings,
  io: CommandIo,
): Promise<FinishedSegmentation> {
  const names = modelNames(paths);
  const sets = await openTestSets(settings);
  const opened = await openClassifiers(paths, settings.normalize, (sentence) => io.warn(sentence));
  const told = classesOfSets(sets, { classes: settings.classes, fitOn: settings.fittedClasses });
  const classNames = told ?? classNamesOf((opened.at(-1) as OpenedClassifier).classifier.model);
  const prior = await priorOf(settings, classNames);
  return withEngine(settings, async (engine) => {
    const models: EvaluatedSegmenter[] = [];
    for (const [index, path] of paths.entries()) {
      const { classifier, normalization } = opened[index] as OpenedClassifier;
      const evaluate = (dataset: SegmentationDataset, scores: readonly PixelScoreName[]) =>
        evaluateSegmentation(engine, classifier, dataset, {
          ...{ scores, fitted: settings.fitted, preset: settings.preset, normalization },
          perImage: settings.report || settings.perImage === true,
          classNames: told,
          components: settings.components && componentTracks[settings.components],
          segments: settings.judge,
          ...{ progress: io.progress, signal: io.signal },
        });
      const id = sets.id && (await evaluate(sets.id, []));
      const ood: SegmentationEvaluation[] = [];
      for (const dataset of sets.ood) ood.push(await evaluate(dataset, settings.scores));
      models.push({ name: names[index] as string, path, id, ood, average: averages(ood, settings) });
    }
    const rows = models.flatMap(detectionRows);
    const protocol = protocolOf(models, settings);
    const plans = new Map(sets.ood.flatMap((set) => ("plan" in set ? [[set.name, set.plan] as const] : [])));
    if (!settings.report) return { models, rows, protocol, plans, report: undefined };
    const shown = await shownSets(engine, { sets, models, opened }, io);
    return {
      models,
      rows,
      protocol,
      plans,
      report: await reportOf({ models, sets, shown, protocol, settings, classNames, prior }),
    };
  });
}

/** Read before the models run, which takes long. @throws OptionError where nothing says how many classes it must have */
async function priorOf({ prior }: SegmentationSettings, classNames: readonly string[] | undefined) {
  if (prior === undefined) return undefined;
  if (classNames !== undefined) return readPrior(prior, classNames.length);
  throw new OptionError({
    where: "--prior",
    expected: "classes to show it by",
    received: "sets whose labels tell none, and a model that names none",
    hint: "give scenes with classes as --id, or --classes",
  });
}

function averages(
  sets: readonly SegmentationEvaluation[],
  { scores, ranked = false }: SegmentationSettings,
): EvaluatedSegmenter["average"] {
  if (sets.length === 0) return [];
  const means = scores.map((score) => {
    const rows = sets.map((set) => set.rows.find((row) => row.score === score) as PixelRow);
    const mean = (key: "auroc" | "aupr" | "fpr95") => rows.reduce((sum, row) => sum + row[key], 0) / rows.length;
    return { score, auroc: mean("auroc"), aupr: mean("aupr"), fpr95: mean("fpr95") };
  });
  return ranked ? means.toSorted((a, b) => a.auroc - b.auroc) : means;
}

function detectionRows({ name, ood, average }: EvaluatedSegmenter): DetectionRow[] {
  return average.flatMap(({ score }) =>
    ood.flatMap(({ set, rows }) =>
      rows
        .filter((row) => row.score === score)
        .map(({ auroc, aupr, fpr95 }) => ({
          ...{ model: name, score, ood: set },
          ...{ auroc: { value: auroc }, aupr: { value: aupr }, fpr95: { value: fpr95 } },
        })),
    ),
  );
}

function protocolOf(models: readonly EvaluatedSegmenter[], { preset: name }: SegmentationSettings): string {
  const preset = presets[name];
  const sets = models[0]?.ood ?? [];
  const sizes = sets.map(
    ({ set, images, pixels }) =>
      `${set} (${images} images, ${count(pixels.anomaly)} anomalous and ${count(pixels.in_distribution)} known pixels)`,
  );
  const found =
    sets.length === 0
      ? ""
      : `All valid pixels of a set in one ranking, void pixels nowhere: ${sizes.join(", ")}. Anomalies are the positive class. Preset ${name} (${preset.source}): AUPR is ${preset.describes.aupr}; FPR95 is the false positive rate ${preset.describes.fpr} of 95 %. `;
  const [id] = models.flatMap((model) => (model.id === undefined ? [] : [model.id]));
  const classes = id === undefined ? "" : `mIoU over the ${id.classes} classes of ${id.set} (${id.images} images).`;
  return `${found}${classes}`.trim();
}

interface ReportParts {
  readonly models: readonly EvaluatedSegmenter[];
  readonly sets: OpenedSets;
  readonly shown: SegmentationReport["sets"];
  readonly protocol: string;
  readonly settings: SegmentationSettings;
  readonly classNames: readonly string[] | undefined;
  readonly prior: Prior | undefined;
}

async function reportOf(parts: ReportParts): Promise<SegmentationReport> {
  const { models, sets, shown, protocol, settings, prior } = parts;
  const subject = models.at(-1) as EvaluatedSegmenter;
  const hashes = await Promise.all(
    models.map(async ({ name, path }) => [`SHA-256 of ${name}`, await hashFile(path)] as const),
  );
  const all = [...(sets.id === undefined ? [] : [sets.id]), ...sets.ood];
  const data = await Promise.all(
    all.map(async (set) => [`data ${set.name}`, `${set.spec}, SHA-256 ${await set.fingerprint()}`] as const),
  );
  const classNames = parts.classNames ?? numberedClasses((subject.id ?? subject.ood[0])?.classes ?? 0);
  return {
    title: `Anomaly segmentation of ${subject.name}`,
    summary: headline(models),
    protocol,
    models: models.map((model) => ({
      name: model.name,
      segmentation: [...(model.id === undefined ? [] : [model.id]), ...model.ood].flatMap(({ set, segmentation }) =>
        segmentation === undefined
          ? []
          : [{ set, miou: segmentation.miou, classIou: segmentation.class_iou.map(({ iou }) => iou) }],
      ),
      rows: detectionRows(model),
      curves: model.ood.flatMap(({ set, curves }) =>
        model.average.flatMap(({ score }) => {
          const own = curves[score];
          if (own === undefined) return [];
          const roc = Array.from(own.roc.fpr, (fpr, index) => [fpr, own.roc.tpr[index] as number] as const);
          return [{ set, score, roc, histogram: own.histogram }];
        }),
      ),
    })),
    baseline: (models[0] as EvaluatedSegmenter).name,
    classNames,
    otherProtocols: otherProtocols(models),
    sets: shown,
    ...(prior === undefined ? {} : { prior: { classNames, share: prior.prior, outliers: prior.outliers } }),
    facts: [["Offmap", version], ["Node", process.version], ...hashes, ...data, ...pasted(settings, sets)],
    notes: [],
  };
}

/** How objects were pasted, as a fact of the report. */
function pasted({ paste, pastePlan, pasteScale }: SegmentationSettings, { ood }: OpenedSets) {
  const [plan] = ood.flatMap((set) => ("plan" in set ? [set.plan] : []));
  if (plan === undefined) return [];
  const { seed, feather } = plan;
  const drawn = pastePlan === undefined ? `drawn from seed ${seed}` : `as ${pastePlan} says`;
  const scale = pasteScale === undefined ? "" : `, scaled by ${pasteScale.join(" to ")}`;
  const feathered = feather === 0 ? "" : `, feathered by ${feather} pixels`;
  return [["pasted objects", `${paste}, ${drawn}${scale}${feathered}`] as const];
}

/** The last score's average, and the mIoU, of each model. */
function headline(models: readonly EvaluatedSegmenter[]): string[] {
  const way = (of: (model: EvaluatedSegmenter) => number | undefined) =>
    acrossModels(models.map((model) => ({ name: model.name, value: of(model) })));
  const last = models[0]?.average.at(-1);
  const found =
    last === undefined
      ? []
      : [
          `By the ${last.score} score the average AUROC ${way(({ average }) => average.at(-1)?.auroc)} and the average FPR95 ${way(({ average }) => average.at(-1)?.fpr95)}.`,
        ];
  if (models.every((model) => mainMiou(model) === undefined)) return found;
  return [...found, `The mean IoU of the known classes ${way(mainMiou)}.`];
}

/** On the set whose classes are judged, else on the first that tells classes. */
export const mainMiou = ({ id, ood }: EvaluatedSegmenter): number | undefined =>
  [id, ...ood].find((each) => each?.segmentation !== undefined)?.segmentation?.miou;

/** What `offmap eval --json` prints of one model; the field names are a contract. */
export function segmentationDocument({ id, ood, average }: EvaluatedSegmenter, perImage: boolean) {
  const describe = ({ perImage: each, ...of }: SegmentationEvaluation) => ({
    ...{ set: of.set, images: of.images, pixels: of.pixels, classes: of.classes, ...of.segmentation, rows: of.rows },
    ...(of.segments && { segments: of.segments }),
    ...(perImage ? { per_image: each.map(({ name, metrics }) => ({ image: name, ...metrics })) } : {}),
  });
  return {
    task: "segmentation",
    id: id === undefined ? null : describe(id),
    sets: ood.map(describe),
    average,
  };
}

/** `eval.json`, `table.md`, `table.csv`, `report.html`, and `plan-SET.json` for each set with pasted objects. */
export async function writeSegmentation(
  folder: string,
  document: object,
  { models, rows, protocol, report, plans }: FinishedSegmentation,
): Promise<void> {
  const others = otherProtocols(models).map(markdownOf).join("");
  await writeFileAtomic(join(folder, "eval.json"), `${JSON.stringify(document, null, 2)}\n`);
  await writeFileAtomic(
    join(folder, "table.md"),
    `${renderMarkdownTable(rows, baselineName(models))}\n${escapeMarkdown(protocol)}\n${others}`,
  );
  await writeFileAtomic(join(folder, "table.csv"), renderCsv(rows));
  const planFiles = fileNames([...plans.keys()]);
  for (const [index, plan] of [...plans.values()].entries()) {
    await writePastePlan(join(folder, `plan-${planFiles[index]}.json`), plan);
  }
  if (report !== undefined) {
    await writeFileAtomic(join(folder, "report.html"), await renderSegmentationReport(report));
  }
}

function markdownOf({ title, head, rows }: ProtocolTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |\n`;
  const rule = `| ${head.map((_, index) => (index < 3 ? "---" : "---:")).join(" | ")} |\n`;
  return `\n${title}:\n\n${line(head)}${rule}${rows.map(line).join("")}`;
}
