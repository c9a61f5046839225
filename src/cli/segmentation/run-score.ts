/** `offmap score` with a segmentation network: heat maps and raw scores of single images. */
import { basename } from "node:path";
import type { Normalization } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { isAnomalyModel } from "../../guard/segmentation/index.js";
import { readModel } from "../../onnx/index.js";
import type { Device } from "../../runtime/index.js";
import { classNamesOf } from "../../training/class-names.js";
import { classifierOf, withEngine } from "../classifier-run.js";
import { inColumns } from "../columns.js";
import type { CommandIo } from "../command-io.js";
import { keepInputs, makeOutputFolder } from "../output-folder.js";
import { HeatMaps, type MapFiles } from "./heat-maps.js";
import { exportedMaps, type MapCounts, type ScoreTold, scoredMaps } from "./map-sources.js";
import { openPictures } from "./open-pictures.js";
import { refuseFlags, requireFlag } from "./task.js";

export interface SegmentationScoreOptions extends ScoreTold {
  readonly images: readonly string[];
  readonly model: string;
  readonly range?: readonly number[] | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out?: string | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

/** One image; scores are higher for more out-of-distribution. */
interface ScoredPicture extends MapFiles, MapCounts {
  readonly file: string;
  /** Most frequent class among the predictions. */
  readonly mostly: number;
  readonly mean: number;
  readonly highest: number;
}

/** What a network that `offmap export` has made decides itself. */
const decidedByExport = { score: "score", fit: "fit", classes: "classes", segments: "segments" };

export async function runSegmentationScore(options: SegmentationScoreOptions, io: CommandIo): Promise<void> {
  const { images, model: path, range, normalize, out } = options;
  const folder = requireFlag(out, "score", "--out DIR");
  const asked = range === undefined ? undefined : checkedRange(range);
  const model = await readModel(path);
  const isExported = isAnomalyModel(model);
  if (isExported) refuseFlags({ ...options }, decidedByExport, "exported");
  const opened = classifierOf(model, path, normalize);
  const source = isExported ? exportedMaps(opened, path) : await scoredMaps(opened, path, options);
  const pictures = await openPictures(images);
  await makeOutputFolder(folder);
  const places = Array.from({ length: pictures.length }, (_, index) => pictures.describe(index));
  const maps = new HeatMaps(folder, places);
  await keepInputs(maps.files, [path, ...places]);
  const found: ScoredPicture[] = [];
  const { progress, signal } = io;
  await withEngine(options, (engine) =>
    source.run(engine, pictures, { progress, signal }, async ({ index, size, map, predicted, counts }) => {
      const files = await maps.add(index, map, size);
      const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
      const highest = map.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
      const { height, width, ...paths } = files;
      const mostly = mostFrequent(predicted);
      found.push({ file: places[index] as string, height, width, mostly, mean, highest, ...counts, ...paths });
    }),
  );
  const [low, high] = await maps.draw(asked, signal);
  const names = classNamesOf(model);
  const rows = found.map(({ mostly, ...rest }) => ({ ...rest, mostly, class: names?.[mostly] ?? null }));
  const { score, threshold } = source;
  const document = { model: path, task: "segmentation", score, ...(isExported && { threshold }), range: [low, high] };
  await io.write({ ...document, images: rows }, () => {
    const lines = rows.map(({ file, mostly, class: className, mean, highest, flagged, map }) => [
      ...[basename(file), className ?? `class ${mostly}`, mean.toFixed(4), highest.toFixed(4)],
      ...(flagged === undefined ? [] : [String(flagged)]),
      map,
    ]);
    const flags = isExported ? ["flagged"] : [];
    const table = inColumns(
      [["file", "mostly", `mean ${score}`, "highest", ...flags, "map"], ...lines],
      ["left", "left", "right", "right", ...flags.map(() => "right" as const), "left"],
    );
    return [
      ...table,
      "",
      ...(isExported ? [`Flagged are the pixels of anomaly_mask, where ${score} >= ${threshold}.`] : []),
      `Maps are dark at ${low.toPrecision(4)} and below, bright at ${high.toPrecision(4)} and above; the score is higher for more out-of-distribution.`,
    ].join("\n");
  });
}

function checkedRange(range: readonly number[]): readonly [number, number] {
  const [low, high] = range;
  if (range.length === 2 && low !== undefined && high !== undefined && low < high) return [low, high];
  throw new OptionError({ where: "--range", expected: "LOW,HIGH, the lower one first", received: range.join(",") });
}

function mostFrequent(classes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const label of classes) counts[label] = (counts[label] as number) + 1;
  return counts.indexOf(Math.max(...counts));
}
