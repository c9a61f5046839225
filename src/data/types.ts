/** What a dataset is to the rest of Offmap: a numbered list of images of one size, read in batches. */

import type { ResizeMode } from "./dataset-options.js";

/** Channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Images of one size, NCHW, row-major. */
export interface ImageBatch {
  /** `count * channels * height * width` values: bytes 0..255, or floats in [0, 1]. */
  readonly data: Uint8Array | Float32Array;
  readonly count: number;
  readonly shape: ImageShape;
}

/** One image before it is fitted to a dataset's shape: planes of bytes 0..255, or of floats in [0, 1]. */
export interface Picture {
  readonly data: Uint8Array | Float32Array;
  readonly shape: ImageShape;
}

/** Images that a model can be fed with. Indices run from 0 to `length - 1`. */
export interface ImageDataset {
  /** What the user wrote, with the options. */
  readonly spec: string;
  /** Short name for tables. */
  readonly name: string;
  readonly length: number;
  /** Shape of every image that `read` returns, after resizing. */
  readonly shape: ImageShape;
  /** How images of other sizes are brought to the shape; absent where no image needs to be. */
  readonly resize?: ResizeMode;
  /**
   * One label per image, as the source numbers its classes: leaving classes out does not renumber the others. Negative
   * labels (-1 in OpenOOD's lists) mean that the image belongs to no class. Absent for images without labels.
   */
  readonly labels?: Int32Array;
  /** Further labels by name: `coarse` for CIFAR-100, `sc_label` and other keys of an SC-OOD list. */
  readonly labelSets?: Readonly<Record<string, Int32Array>>;
  readonly classNames?: readonly string[];
  /** Classes of the source, also of those that no selected image belongs to. Absent for images without labels. */
  readonly classCount?: number;
  /**
   * Reads images in the order of `indices`; an index may occur twice.
   *
   * @throws DataError naming the image that cannot be decoded or has values outside its range
   */
  read(indices: ArrayLike<number>): Promise<ImageBatch>;
  /** Where an image comes from: a file's path, or `test.bin image 12`. */
  describe(index: number): string;
  /**
   * SHA-256, in hexadecimal, of everything that decides what `read` returns: the contents of the files, the selection,
   * labels, shape and way of resizing. Paths, names and file times do not enter.
   */
  fingerprint(): Promise<string>;
}

/**
 * What the reader of a format provides; `openDataset` puts selection, resizing and caching on top. Sources keep nothing
 * open between calls.
 */
export interface ImageSource {
  readonly length: number;
  /** Shape of all images, when the format has one for all. */
  readonly shape?: ImageShape;
  readonly labels?: Int32Array;
  readonly labelSets?: Readonly<Record<string, Int32Array>>;
  readonly classNames?: readonly string[];
  /** Whether pictures cost a decoder run, so that keeping them in memory pays. */
  readonly decodes: boolean;
  pictures(indices: ArrayLike<number>): Promise<readonly Picture[]>;
  describe(index: number): string;
  /** SHA-256 of the content, of at least the images selected. */
  hash(selection: Int32Array): Promise<string>;
}

/** Number of values of an image. */
export function imageSize([channels, height, width]: ImageShape): number {
  return channels * height * width;
}
