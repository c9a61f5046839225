import { createHash } from "node:crypto";
import { DataError, OptionError, ShapeError } from "../errors.js";
import type { ResizeMode } from "./dataset-options.js";
import { decodedImages, type MemoryBudget } from "./memory-budget.js";
import { withChannels } from "./planes.js";
import { resizePicture } from "./resize.js";
import type { ImageBatch, ImageDataset, ImageShape, ImageSource, Picture, Size } from "./types.js";
import { imageSize } from "./types.js";

export interface DatasetView {
  readonly spec: string;
  readonly name: string;
  readonly source: ImageSource;
  /** Images of the source that the dataset holds, in order. */
  readonly selection: Int32Array;
  /** Absent: the shape of the source, or of its first image. */
  readonly shape?: ImageShape;
  /** Where there is no `shape`: channels of all images. Absent: those of the source. */
  readonly channels?: number;
  /** Where there is no `shape`: what images are brought to. Absent: they must be of one size. */
  readonly size?: Size;
  /** How images are brought to `shape` or `size`; without one only part of the fingerprint. */
  readonly resize?: ResizeMode;
  readonly withLabels: boolean;
}

/** Pictures that are decoded before they are brought to the dataset's shape: a photograph of 12 megapixels takes 36 MB and more. */
const decodedAtOnce = 8;

/**
 * A dataset over a source: selected, converted to one shape, and kept in memory where decoding is dear.
 *
 * @param memory  what images that were decoded may take, together with those of other datasets
 */
export async function viewDataset(view: DatasetView, memory: MemoryBudget = decodedImages): Promise<ImageDataset> {
  const { spec, name, source, selection, resize, withLabels } = view;
  const describe = (index: number): string => source.describe(selection[index] as number);
  const shape = view.shape ?? (await ownShape(view));
  const isFitted = view.shape !== undefined || view.size !== undefined;
  const prepare = async (indices: readonly number[]): Promise<readonly Picture[]> => {
    const atOnce = source.decodes ? decodedAtOnce : Math.max(1, indices.length);
    const prepared: Picture[] = [];
    for (let from = 0; from < indices.length; from += atOnce) {
      const some = indices.slice(from, from + atOnce);
      const pictures = await source.pictures(some.map((index) => selection[index] as number));
      for (const [place, picture] of pictures.entries()) {
        const where = () => describe(some[place] as number);
        prepared.push(fitted(picture, shape, isFitted ? resize : undefined, where));
      }
    }
    return prepared;
  };
  const pictures = source.decodes ? cached(prepare, memory) : prepare;
  const select = (labels: Int32Array): Int32Array => selection.map((index) => labels[index] as number);
  const labels = withLabels && source.labels !== undefined ? select(source.labels) : undefined;
  return {
    spec,
    name,
    length: selection.length,
    shape,
    ...(resize === undefined || !isFitted || sameSize(shape, source.shape) ? {} : { resize }),
    ...(labels === undefined ? {} : { labels, classCount: countClasses(source) }),
    ...(withLabels && source.labelSets !== undefined
      ? { labelSets: Object.fromEntries(Object.entries(source.labelSets).map(([key, set]) => [key, select(set)])) }
      : {}),
    ...(withLabels && source.classNames !== undefined ? { classNames: source.classNames } : {}),
    async read(indices) {
      const wanted = checkIndices(indices, selection.length, spec);
      return batchOf(await pictures(wanted), shape);
    },
    describe,
    async fingerprint() {
      const hash = createHash("sha256").update(await source.hash(selection));
      hash.update(JSON.stringify({ shape, resize: resize ?? null, length: selection.length }));
      hash.update(selection);
      if (labels !== undefined) hash.update(labels);
      return hash.digest("hex");
    },
  };
}

/** Where classes have no names, there are as many as the largest label says. */
const countClasses = ({ classNames, labels }: ImageSource): number =>
  classNames?.length ?? (labels ?? new Int32Array()).reduce((most, label) => Math.max(most, label + 1), 0);

const sameSize = ([, height, width]: ImageShape, own: ImageShape | undefined): boolean =>
  own !== undefined && own[1] === height && own[2] === width;

async function ownShape({ source, selection, channels, size }: DatasetView): Promise<ImageShape> {
  const found = source.shape ?? (await firstShape(source, selection));
  return [channels ?? found[0], size?.height ?? found[1], size?.width ?? found[2]];
}

async function firstShape(source: ImageSource, selection: Int32Array): Promise<ImageShape> {
  const [first] = await source.pictures(selection.subarray(0, 1));
  if (first === undefined) throw new DataError({ problem: "a dataset without images has no shape" });
  // Folders mix grey and colour images; three channels hold both.
  return [3, first.shape[1], first.shape[2]];
}

/** @param resize  absent: images of another size are refused */
function fitted(picture: Picture, shape: ImageShape, resize: ResizeMode | undefined, where: () => string): Picture {
  const [channels, height, width] = shape;
  const [from, fromHeight, fromWidth] = picture.shape;
  // Reducing channels before resizing saves work; both are linear, and Pillow's order for grey models is the same.
  const coloured = withChannels(picture, channels);
  if (coloured === undefined) {
    throw new ShapeError({
      where: where(),
      expected: `an image that fits ${channels} channels`,
      received: `${from} channels`,
    });
  }
  if (resize !== undefined) return resizePicture(coloured, height, width, resize);
  if (fromHeight === height && fromWidth === width) return coloured;
  throw new ShapeError({
    where: where(),
    expected: `${width} x ${height} pixels as in the first image`,
    received: `${fromWidth} x ${fromHeight}`,
    hint: "images of several sizes are brought to one with size=HEIGHTxWIDTH in the dataset",
  });
}

/** Keeps images once they are decoded and fitted, as far as the memory reaches. */
function cached(
  prepare: (indices: readonly number[]) => Promise<readonly Picture[]>,
  memory: MemoryBudget,
): (indices: readonly number[]) => Promise<readonly Picture[]> {
  const kept = memory.store<Picture>(({ data }) => data.byteLength);
  return async (indices) => {
    const missing = [...new Set(indices)].filter((index) => kept.get(index) === undefined);
    const decoded = new Map<number, Picture>();
    (await prepare(missing)).forEach((picture, place) => {
      const index = missing[place] as number;
      decoded.set(index, picture);
      kept.keep(index, picture);
    });
    return indices.map((index) => (kept.get(index) ?? decoded.get(index)) as Picture);
  };
}

function batchOf(pictures: readonly Picture[], shape: ImageShape): ImageBatch {
  const size = imageSize(shape);
  const floats = pictures[0]?.data instanceof Float32Array;
  const data = floats ? new Float32Array(pictures.length * size) : new Uint8Array(pictures.length * size);
  pictures.forEach((picture, place) => {
    data.set(picture.data, place * size);
  });
  return { data, count: pictures.length, shape };
}

/** @throws OptionError for an index outside [0, length) */
export function checkIndices(indices: ArrayLike<number>, length: number, where: string): number[] {
  return Array.from(indices, (index) => {
    if (Number.isSafeInteger(index) && index >= 0 && index < length) return index;
    throw new OptionError({ where, expected: `image indices from 0 to ${length - 1}`, received: String(index) });
  });
}
