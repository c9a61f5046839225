/** `offmap score` with a model that `offmap export` has made. */
import { imageFiles } from "../data/image-files.js";
import { type ImageDataset, imageEndings, type Normalization } from "../data/index.js";
import { calibratedResize, type GuardedImage, preprocesses, runGuarded } from "../guard/index.js";
import type { Model } from "../onnx/index.js";
import { csvText } from "../report/csv.js";
import type { Device } from "../runtime/index.js";
import { classNamesOf } from "../training/class-names.js";
import { asClassifier, normalizationFor, shapeHint } from "../training/classifier.js";
import { withEngine } from "./classifier-run.js";
import { inColumns } from "./columns.js";
import type { CommandIo } from "./command-io.js";
import { openImages } from "./open-images.js";

export interface GuardedScoreOptions {
  readonly images: readonly string[];
  readonly model: Model;
  /** What the document calls the model. */
  readonly path: string;
  readonly csv?: boolean | undefined;
  readonly normalize?: Normalization | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

export async function scoreWithGuarded(options: GuardedScoreOptions, io: CommandIo): Promise<void> {
  const { images, model, path, csv, normalize, ...engineChoices } = options;
  const { datasets, normalization } = preprocesses(model)
    ? { datasets: await inTheirOwnSize(images), normalization: undefined }
    : await inTheModelsSize(model, path, images, normalize);
  const { signal } = io;
  const found = await withEngine(engineChoices, (engine) =>
    runGuarded(engine, model, datasets, { normalization, signal }),
  );
  const names = classNamesOf(model);
  const nameOf = (predicted: number | null) => (predicted === null ? null : (names?.[predicted] ?? null));
  const rows = found.map(({ image, predicted, score, pValue, isOod }) => ({
    ...{ file: image, predicted, class: nameOf(predicted), score, p_value: pValue, is_ood: isOod },
  }));
  await io.write({ model: path, images: rows }, () =>
    csv
      ? [
          "file,predicted,class,score,p_value,is_ood",
          ...rows.map((row) =>
            [csvText(row.file), row.predicted ?? "", csvText(row.class ?? ""), row.score, row.p_value, row.is_ood].join(
              ",",
            ),
          ),
        ].join("\n")
      : guardedText(found, names),
  );
}

/** Files one by one, as each may have a size of its own; other datasets have one size. */
async function inTheirOwnSize(images: readonly string[]): Promise<ImageDataset[]> {
  const dataset = await openImages(images);
  const places = Array.from({ length: dataset.length }, (_, index) => dataset.describe(index));
  return places.every((place) => imageEndings.test(place))
    ? Promise.all(places.map((place) => imageFiles([place])))
    : [dataset];
}

async function inTheModelsSize(
  model: Model,
  path: string,
  images: readonly string[],
  given: Normalization | undefined,
) {
  const classifier = asClassifier(model, path);
  const dataset = await openImages(images, { ...shapeHint(classifier), resize: calibratedResize(model) });
  return { datasets: [dataset], normalization: normalizationFor(classifier, given) };
}

function guardedText(found: readonly GuardedImage[], classNames: readonly string[] | undefined): string {
  const rows = found.map(({ image, predicted, score, pValue, isOod }) => [
    ...[
      image,
      predicted === null ? "no class" : (classNames?.[predicted] ?? `class ${predicted}`),
      score.toFixed(4),
      pValue.toFixed(4),
      isOod ? "OOD" : "",
    ],
  ]);
  const header = ["file", "predicted", "score", "p-value", "decision"];
  const table = inColumns([header, ...rows], ["left", "left", "right", "right", "left"]);
  return [...table, "", "The score is higher, and the p-value lower, for more out-of-distribution."].join("\n");
}
