import { join } from "node:path";
import type { Normalization, SegmentationDataset } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { encodePixelPart, encodeSegmentJudge, fitPixelScores, fitSegments } from "../../guard/segmentation/index.js";
import { encodeModel } from "../../onnx/index.js";
import type { Device } from "../../runtime/index.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { scoreOptions } from "../fitted-scores.js";
import { checkOutputFile, makeOutputFolder } from "../output-folder.js";
import { chosenPixelPart } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { openTestSets } from "./sets.js";

export interface SegmentationFitOptions {
  readonly model: string;
  readonly id: string;
  readonly score: readonly AnyScoreName[];
  readonly layer?: readonly string[] | undefined;
  readonly option?: readonly string[] | undefined;
  readonly normalize?: Normalization | undefined;
  readonly paste?: string | undefined;
  readonly pasteSeed?: number | undefined;
  readonly pasteScale?: readonly [number, number] | undefined;
  readonly feather?: number | undefined;
  /** Fits the classifier of segments at this threshold instead. */
  readonly segments?: number | "auto" | undefined;
  /** File of the score that the segments are of. */
  readonly fit?: string | undefined;
  readonly out: string;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

export async function runSegmentationFit(options: SegmentationFitOptions, io: CommandIo): Promise<void> {
  if (options.segments !== undefined) return runSegmentsFit({ ...options, segments: options.segments }, io);
  const { model, id, score, layer = [], option = [], normalize, out, fit } = options;
  if (fit !== undefined) {
    throw new OptionError({ where: "--fit", expected: "--segments beside it", received: "none" });
  }
  const names = await asPixelScores(score, "--score");
  const single = names.length === 1;
  const fileOf = (name: string) => (single ? out : join(out, `${name}.onnx`));
  if (!single) await makeOutputFolder(out);
  for (const name of names) await checkOutputFile(fileOf(name), [model]);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const scenes = await openScenes(options);
  const given = scoreOptions(option);
  const own = Object.fromEntries(names.map((name) => [name, given]));
  const layers = layer.filter((each) => each !== "auto");
  const { progress, signal } = io;
  const started = performance.now();
  const parts = await withEngine(options, (engine) =>
    fitPixelScores(engine, classifier, scenes, names, { normalization, progress, signal, options: own, layers }),
  );
  const seconds = (performance.now() - started) / 1000;
  const written: {
    score: string;
    options: object;
    features: string | null;
    layers?: readonly string[];
    file: string;
    bytes: number;
  }[] = [];
  for (const part of parts) {
    const bytes = encodeModel(encodePixelPart(part));
    const file = fileOf(part.score);
    await writeFileAtomic(file, bytes);
    const { features = null } = part;
    const several = part.layers && { layers: part.layers };
    written.push({ score: part.score, options: part.options, features, ...several, file, bytes: bytes.length });
  }
  await io.write({ model, id, task: "segmentation", images: scenes.length, seconds, fitted: written }, () =>
    [
      `fitted to the pixels of ${scenes.length} images in ${seconds.toFixed(1)} s`,
      ...written.map((one) => {
        const from = one.layers ?? (one.features === null ? [] : [one.features]);
        return `${one.score}: ${one.file}, ${(one.bytes / 1000).toFixed(0)} kB${from.length === 0 ? "" : `, features of ${from.join(", ")}`}`;
      }),
    ].join("\n"),
  );
}

async function runSegmentsFit(
  options: SegmentationFitOptions & { readonly segments: number | "auto" },
  io: CommandIo,
): Promise<void> {
  const { model, id, score, option, layer, fit, segments: threshold, normalize, out } = options;
  for (const [flag, given] of Object.entries({ option, layer })) {
    if (given === undefined) continue;
    throw new OptionError({ where: `--${flag}`, expected: "nothing beside --segments", received: given.join(", ") });
  }
  const [name, ...more] = await asPixelScores(score, "--score");
  if (more.length > 0) {
    throw new OptionError({ where: "--score", expected: "one score with --segments", received: score.join(", ") });
  }
  await checkOutputFile(out, [model, fit]);
  const part = await chosenPixelPart(fit, name);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const scenes = await openScenes(options);
  const { progress, signal } = io;
  const started = performance.now();
  const { judge, ...counts } = await withEngine(options, (engine) =>
    fitSegments(engine, classifier, scenes, part, { threshold, normalization, progress, signal }),
  );
  const seconds = (performance.now() - started) / 1000;
  await writeFileAtomic(out, encodeSegmentJudge(judge));
  const { falseAlarms, found, skipped, right } = counts;
  const document = {
    ...{ model, id, task: "segmentation", images: scenes.length, seconds },
    segments: {
      ...{ score: judge.score, threshold: judge.threshold, file: out, false_alarms: falseAlarms, found, skipped },
      right: { false_alarms: right.falseAlarms, found: right.found },
    },
  };
  await io.write(document, () =>
    [
      `fitted to the segments of ${scenes.length} images in ${seconds.toFixed(1)} s`,
      `${judge.score} of at least ${judge.threshold.toPrecision(4)}: ${found} segments on outliers, of which ${right.found} are kept, and ${falseAlarms} false alarms, of which ${right.falseAlarms} are removed; ${skipped} mostly void`,
      out,
    ].join("\n"),
  );
}

async function openScenes({ id, paste, pasteSeed, pasteScale, feather }: SegmentationFitOptions) {
  const { ood } = await openTestSets({ ood: [{ dataset: id }], paste, pasteSeed, pasteScale, feather });
  return ood[0] as SegmentationDataset;
}
