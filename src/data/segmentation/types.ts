import type { ImageBatch, ImageShape, Size } from "../types.js";

export type { Size } from "../types.js";

/** Label of pixels that show no class of the model: held-out classes, pasted objects, obstacles. The positive class of every metric. */
export const outlierLabel = 254;
/** Label of pixels that count nowhere: neither for a class, nor as in-distribution, nor as anomaly. */
export const voidLabel = 255;
/** Train ids run from 0 to at most 253. */
export const mostClasses = outlierLabel;

/** One image with its labels. Scenes that a dataset gave are shared with its cache: never written into. */
export interface Scene extends Size {
  /** [3, H, W], bytes 0..255: red, green and blue plane. */
  readonly image: Uint8Array;
  /** [H, W]: train ids 0..K-1, {@link outlierLabel} or {@link voidLabel}. */
  readonly labels: Uint8Array;
}

/** Scenes of one size. */
export interface SceneBatch {
  /** [N, 3, H, W], bytes 0..255. */
  readonly images: ImageBatch;
  /** [N, H, W]: train ids 0..K-1, {@link outlierLabel} or {@link voidLabel}. */
  readonly labels: Uint8Array;
}

/** Images with a label for every pixel. Indices run from 0 to `length - 1`. */
export interface SegmentationDataset {
  /** What the user wrote, with the options. */
  readonly spec: string;
  /** Short name for tables. */
  readonly name: string;
  readonly length: number;
  /** Shape of every image that is read, after resizing; absent when the images are of several sizes. */
  readonly shape?: ImageShape;
  /**
   * Names of the classes, in the order of the train ids. Absent for sets whose labels only tell anomalies from the rest
   * (Fishyscapes, Road Anomaly, SegmentMeIfYouCan, Lost and Found): there 0 is "in-distribution", and no class.
   */
  readonly classNames?: readonly string[];
  /** Names of the layout's classes in its own order; there when some of them were left out, and the others numbered anew. */
  readonly allClasses?: readonly string[];
  /**
   * Reads scenes of one size in the order of `indices`; an index may occur twice.
   *
   * @throws ShapeError when the images are of several sizes
   * @throws DataError or FormatError naming the file that cannot be read, has a label outside the map, or labels of another
   *   size than the image
   */
  read(indices: ArrayLike<number>): Promise<SceneBatch>;
  /** Reads one scene at its own size (or the size asked for); errors as `read`. */
  readOne(index: number): Promise<Scene>;
  /** Name of an image within the set, the same on every machine: its path below the set's folder, with slashes. */
  imageName(index: number): string;
  /** Where an image comes from: its path. */
  describe(index: number): string;
  /**
   * SHA-256, in hexadecimal, of everything that decides what `read` returns: contents of the files, selection, label map
   * and size. Paths, names and file times do not enter.
   */
  fingerprint(): Promise<string>;
}

/** An object cut out of another picture. Objects that a set gave are shared with its cache: never written into. */
export interface OutlierObject extends Size {
  /** [3, H, W], bytes 0..255. */
  readonly image: Uint8Array;
  /** [H, W]: 1 on the object, 0 beside it. */
  readonly mask: Uint8Array;
}

/** Objects to paste into scenes. Indices run from 0 to `length - 1`. */
export interface OutlierObjects {
  /** What the user wrote, with the options. */
  readonly spec: string;
  /** Short name for tables. */
  readonly name: string;
  readonly length: number;
  /**
   * One object, cut to the bounding box of its mask. An annotation that covers no pixel gives an object of 0 x 0.
   *
   * @throws DataError or FormatError naming the file
   */
  read(index: number): Promise<OutlierObject>;
  /** Name of an object within the set, the same on every machine. */
  objectName(index: number): string;
  /** Where an object comes from: its path. */
  describe(index: number): string;
  /** SHA-256, in hexadecimal, of what decides which objects are read, and how they look. */
  fingerprint(): Promise<string>;
}
