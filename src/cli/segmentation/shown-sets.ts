/** The images of a report: a second look at those on which a model does best and worst. */
import { stepsOf } from "../../benchmarks/segmentation/index.js";
import type { Normalization, SegmentationDataset } from "../../data/index.js";
import { pixelModel, predictedOutput, runScenes } from "../../guard/segmentation/index.js";
import { percentage } from "../../report/format.js";
import type { ShownScene, ShownSet } from "../../report/segmentation/index.js";
import type { Engine } from "../../runtime/index.js";
import type { Classifier } from "../../training/index.js";
import type { CommandIo } from "../command-io.js";
import type { EvaluatedSegmenter } from "./evaluation.js";
import type { OpenedSets } from "./sets.js";

interface Shown {
  readonly sets: OpenedSets;
  readonly models: readonly EvaluatedSegmenter[];
  /** In the order of the models. */
  readonly opened: readonly { readonly classifier: Classifier; readonly normalization: Normalization | undefined }[];
}

/** Pictures in one report, so that it stays below ten megabytes. */
const mostPictures = 320;
const mostScenes = 12;

export async function shownSets(engine: Engine, shown: Shown, io: CommandIo): Promise<ShownSet[]> {
  const { sets, models } = shown;
  const pictures = 2 + models.reduce((sum, { average }) => sum + 1 + average.length, 0);
  const each = Math.floor(mostPictures / (pictures * Math.max(1, sets.ood.length)));
  const half = Math.max(1, Math.floor(Math.min(mostScenes, each) / 2));
  const result: ShownSet[] = [];
  for (const [place, dataset] of sets.ood.entries()) {
    const subject = models.at(-1) as EvaluatedSegmenter;
    const score = subject.average.at(-1)?.score;
    const ranked = (subject.ood[place]?.perImage ?? [])
      .flatMap(({ index, metrics }) => {
        const own = score === undefined ? undefined : metrics[score];
        return own === undefined ? [] : [{ index, precision: own.aupr }];
      })
      .sort((a, b) => b.precision - a.precision);
    const best = ranked.slice(0, Math.min(half, Math.ceil(ranked.length / 2)));
    const worst = ranked.slice(best.length).slice(-half).reverse();
    const chosen = [
      ...best.map((image) => ({ ...image, side: "best" })),
      ...worst.map((image) => ({ ...image, side: "worst" })),
    ];
    const columns = await columnsOf(
      engine,
      shown,
      place,
      dataset,
      chosen.map(({ index }) => index),
      io,
    );
    const scenes: ShownScene[] = [];
    for (const [at, { index, side, precision }] of chosen.entries()) {
      const { image, labels, height, width } = await dataset.readOne(index);
      const note = `among the ${side}, AUPR ${percentage(precision)} %`;
      scenes.push({ name: dataset.imageName(index), note, image, labels, height, width, columns: columns[at] ?? [] });
    }
    const rankedBy = `The ${best.length} images with the highest and the ${worst.length} with the lowest AUPR of ${models.length > 1 ? `${subject.name} by ` : ""}the ${score} score, of ${ranked.length} with both known and anomalous pixels.`;
    result.push({ name: dataset.name, rankedBy, tellsClasses: dataset.classNames !== undefined, scenes });
  }
  return result;
}

/** Prediction and anomaly maps of every model, for each of the images. */
async function columnsOf(
  engine: Engine,
  { models, opened }: Shown,
  place: number,
  dataset: SegmentationDataset,
  indices: readonly number[],
  { progress, signal }: CommandIo,
): Promise<ShownScene["columns"][]> {
  const columns: ShownScene["columns"][number][][] = indices.map(() => []);
  for (const [at, { name, ood, average }] of models.entries()) {
    const evaluation = ood[place];
    const { classifier, normalization } = opened[at] as Shown["opened"][number];
    if (evaluation === undefined) continue;
    const { parts, classes, curves } = evaluation;
    const prefix = models.length > 1 ? `${name}: ` : "";
    let done = 0;
    await runScenes(
      engine,
      classifier,
      dataset,
      (shapes, size) => pixelModel(classifier, shapes, { classes, size, parts }),
      { normalization, indices, progress, signal },
      ({ outputs }) => {
        const own = columns[done++] as ShownScene["columns"][number][];
        const predicted = outputs[predictedOutput]?.data as Uint8Array;
        own.push({ title: `${prefix}prediction`, kind: "prediction", classes: predicted });
        for (const { score } of average) {
          const scale = curves[score]?.scale;
          if (scale === undefined) continue;
          const steps = stepsOf(outputs[score]?.data as Float32Array, scale);
          own.push({ title: `${prefix}${score}`, kind: "map", steps });
        }
      },
    );
  }
  return columns;
}
