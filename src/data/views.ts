import { createHash } from "node:crypto";
import { DataError, ShapeError } from "../errors.js";
import { checkIndices } from "./dataset.js";
import type { ImageBatch, ImageDataset, ImageShape } from "./types.js";
import { imageSize } from "./types.js";

/**
 * Some images of a dataset as a dataset, in the order given; an image may occur twice.
 *
 * @throws OptionError for an index outside the dataset, DataError for no index at all
 */
export function subset(dataset: ImageDataset, indices: ArrayLike<number>, name = dataset.name): ImageDataset {
  const chosen = Int32Array.from(checkIndices(indices, dataset.length, dataset.spec));
  if (chosen.length === 0) throw new DataError({ where: dataset.spec, problem: "a subset without images" });
  const select = (labels: Int32Array): Int32Array => chosen.map((index) => labels[index] as number);
  return {
    spec: dataset.spec,
    name,
    length: chosen.length,
    shape: dataset.shape,
    ...(dataset.labels === undefined ? {} : { labels: select(dataset.labels) }),
    ...(dataset.labelSets === undefined
      ? {}
      : {
          labelSets: Object.fromEntries(Object.entries(dataset.labelSets).map(([key, set]) => [key, select(set)])),
        }),
    ...(dataset.classNames === undefined ? {} : { classNames: dataset.classNames }),
    ...(dataset.classCount === undefined ? {} : { classCount: dataset.classCount }),
    read: async (wanted) =>
      dataset.read(checkIndices(wanted, chosen.length, dataset.spec).map((index) => chosen[index] as number)),
    describe: (index) => dataset.describe(chosen[index] as number),
    async fingerprint() {
      return createHash("sha256")
        .update(`subset ${await dataset.fingerprint()}`)
        .update(chosen)
        .digest("hex");
    },
  };
}

export interface ArrayImages {
  readonly name: string;
  /** NCHW: bytes 0..255 or floats in [0, 1]; as many images as fit. */
  readonly data: Uint8Array | Float32Array;
  readonly shape: ImageShape;
  readonly labels?: Int32Array;
  readonly classNames?: readonly string[];
}

/**
 * A dataset over images in memory, which are not copied.
 *
 * @throws ShapeError when the data hold no whole number of images, or the labels are not one for each
 */
export function arrayDataset({ name, data, shape, labels, classNames }: ArrayImages): ImageDataset {
  const size = imageSize(shape);
  const length = data.length / size;
  if (!Number.isInteger(length) || length < 1 || (labels !== undefined && labels.length !== length)) {
    throw new ShapeError({
      where: name,
      expected: `whole images of ${shape.join(" x ")} and one label for each`,
      received: `${data.length} values${labels === undefined ? "" : ` and ${labels.length} labels`}`,
    });
  }
  return {
    spec: name,
    name,
    length,
    shape,
    ...(labels === undefined ? {} : { labels }),
    ...(classNames === undefined ? {} : { classNames }),
    async read(indices): Promise<ImageBatch> {
      const wanted = checkIndices(indices, length, name);
      const batch =
        data instanceof Uint8Array ? new Uint8Array(wanted.length * size) : new Float32Array(wanted.length * size);
      wanted.forEach((index, place) => {
        batch.set(data.subarray(index * size, (index + 1) * size), place * size);
      });
      return { data: batch, count: wanted.length, shape };
    },
    describe: (index) => `${name} image ${index}`,
    async fingerprint() {
      const hash = createHash("sha256").update(JSON.stringify({ shape, floats: data instanceof Float32Array }));
      hash.update(data);
      if (labels !== undefined) hash.update(labels);
      return hash.digest("hex");
    },
  };
}
