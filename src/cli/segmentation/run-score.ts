/** `offmap score` with a segmentation network: heat maps and raw scores of single images. */
import { basename, extname, join } from "node:path";
import { type Normalization, npyNumbers, readNpy, type Size, writeNpy } from "../../data/index.js";
import { CancelledError, OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import {
  checkPixelPart,
  checkSegmentJudge,
  judgeSegments,
  predictedOutput,
  refuseNotFinite,
  scoreScenes,
  segmentMaps,
  withProbabilities,
} from "../../guard/segmentation/index.js";
import { type Model, readModel } from "../../onnx/index.js";
import { encodePng, heatPicture } from "../../report/segmentation/index.js";
import type { Device } from "../../runtime/index.js";
import { classNamesOf } from "../../training/class-names.js";
import { classifierOf, withEngine } from "../classifier-run.js";
import { inColumns } from "../columns.js";
import type { CommandIo } from "../command-io.js";
import { fileName } from "../evaluation.js";
import { makeOutputFolder } from "../output-folder.js";
import { numberedClasses } from "./classes-option.js";
import { openPictures } from "./open-pictures.js";
import { chosenPixelPart, readSegmentJudge } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { requireFlag } from "./task.js";

export interface SegmentationScoreOptions {
  readonly images: readonly string[];
  readonly model: string;
  readonly score?: AnyScoreName | undefined;
  readonly fit?: string | undefined;
  /** K: outputs beyond are left out. */
  readonly classes?: number | undefined;
  readonly range?: readonly number[] | undefined;
  /** File of a classifier of segments. */
  readonly segments?: string | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out?: string | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

/** One image; scores are higher for more out-of-distribution. */
interface ScoredPicture extends Size {
  readonly file: string;
  /** Most frequent class among the predictions. */
  readonly mostly: number;
  readonly mean: number;
  readonly highest: number;
  /** Segments of the map, and those that were judged false alarms and lowered; with a classifier of segments. */
  readonly segments?: number;
  readonly removed?: number;
  /** NPY, float32 [H, W]. */
  readonly scores: string;
  /** PNG. */
  readonly map: string;
}

export async function runSegmentationScore(
  {
    images,
    model: path,
    score,
    fit,
    classes: told,
    range,
    segments,
    normalize,
    out,
    ...engineChoices
  }: SegmentationScoreOptions,
  io: CommandIo,
): Promise<void> {
  const folder = requireFlag(out, "score", "--out DIR");
  const asked = range === undefined ? undefined : checkedRange(range);
  const model: Model = await readModel(path);
  const { classifier, normalization } = classifierOf(model, path, normalize);
  const [name] = score === undefined ? [] : await asPixelScores([score], "--score");
  const part = await chosenPixelPart(fit, name);
  checkPixelPart(part, normalization);
  const judge = segments === undefined ? undefined : await readSegmentJudge(segments);
  if (judge !== undefined) checkSegmentJudge(judge, part, normalization);
  const pictures = await openPictures(images);
  await makeOutputFolder(folder);
  const names = classNamesOf(model);
  const counted = told === undefined ? names : numberedClasses(told);
  const targets = fileNames(Array.from({ length: pictures.length }, (_, index) => pictures.describe(index)));
  const found: ScoredPicture[] = [];
  const values = new ValueSample();
  const { progress, signal } = io;
  await withEngine(engineChoices, (engine) =>
    scoreScenes(
      engine,
      classifier,
      pictures,
      {
        ...{ parts: [part], labels: { classNames: counted }, where: path, finish: judge && withProbabilities },
        ...{ normalization, progress, signal },
      },
      async ({ index, scene: { height, width }, outputs }) => {
        const file = pictures.describe(index);
        const raw = outputs[part.score]?.data as Float32Array;
        refuseNotFinite(raw, file);
        const judged = judge && judgeSegments(segmentMaps(part, outputs, { height, width }), judge);
        const map = judged?.scores ?? raw;
        values.add(map);
        const target = join(folder, targets[index] as string);
        await writeNpy(`${target}.npy`, map, [height, width]);
        const predicted = outputs[predictedOutput]?.data as Uint8Array;
        const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
        const highest = map.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
        const files = { scores: `${target}.npy`, map: `${target}.png` };
        const removal = judged && { segments: judged.segments, removed: judged.removed };
        found.push({ file, height, width, mostly: mostFrequent(predicted), mean, highest, ...removal, ...files });
      },
    ),
  );
  const [low, high] = asked ?? values.range();
  for (const { scores, map, height, width } of found) {
    if (signal.aborted) throw new CancelledError({ problem: "stopped on request" });
    const array = await readNpy(scores);
    const steps = Uint8Array.from(
      npyNumbers(array),
      (value) => 255 * Math.min(1, Math.max(0, (value - low) / (high - low))),
    );
    await writeFileAtomic(map, await encodePng(heatPicture(steps, { height, width })));
  }
  const rows = found.map(({ mostly, ...rest }) => ({ ...rest, mostly, class: names?.[mostly] ?? null }));
  await io.write({ model: path, task: "segmentation", score: part.score, range: [low, high], images: rows }, () => {
    const lines = rows.map(({ file, mostly, class: className, mean, highest, map }) => [
      ...[basename(file), className ?? `class ${mostly}`, mean.toFixed(4), highest.toFixed(4), map],
    ]);
    const table = inColumns(
      [["file", "mostly", `mean ${part.score}`, "highest", "map"], ...lines],
      ["left", "left", "right", "right", "left"],
    );
    return [
      ...table,
      "",
      `Maps are dark at ${low.toPrecision(4)} and below, bright at ${high.toPrecision(4)} and above; the score is higher for more out-of-distribution.`,
    ].join("\n");
  });
}

function checkedRange(range: readonly number[]): readonly [number, number] {
  const [low, high] = range;
  if (range.length === 2 && low !== undefined && high !== undefined && low < high) return [low, high];
  throw new OptionError({ where: "--range", expected: "LOW,HIGH, the lower one first", received: range.join(",") });
}

/** Names of the images without their endings, numbered where two are the same. */
export function fileNames(places: readonly string[]): string[] {
  const taken = new Set<string>();
  return places.map((place) => {
    const name = fileName(basename(place, extname(place)));
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
    taken.add(free);
    return free;
  });
}

function mostFrequent(classes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const label of classes) counts[label] = (counts[label] as number) + 1;
  return counts.indexOf(Math.max(...counts));
}

/** Pixels of one image that the range of the colours is found from. */
const pixelsPerImage = 2000;

/** Some scores of every image, evenly spread over it. */
class ValueSample {
  private readonly values: number[] = [];

  add(map: Float32Array): void {
    const step = Math.max(1, Math.floor(map.length / pixelsPerImage));
    for (let at = 0; at < map.length; at += step) this.values.push(map[at] as number);
  }

  /** Where the lowest and the highest 0.5 % begin. */
  range(): readonly [number, number] {
    const sorted = Float64Array.from(this.values).sort();
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
    const [low, high] = [at(0.005), at(0.995)];
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  }
}
