export { augment } from "./augment.js";
export type { DatasetOptions, LongTail, ResizeMode } from "./dataset-options.js";
export { type DatasetKind, datasetKinds } from "./dataset-spec.js";
export { decodeImage, decodeImageFile, imageEndings } from "./decode.js";
export { checkClassCount, requireLabels } from "./labels.js";
export { formatNormalization, type Normalization, normalize, parseNormalization } from "./normalization.js";
export { encodeNpy, type NpyArray, type NpyData, type NpyType, npyNumbers, readNpy, writeNpy } from "./npy.js";
export { type OpenDatasetOptions, openDataset } from "./open.js";
export { prefetch } from "./prefetch.js";
export { createGenerator, type Generator } from "./random.js";
export { resizePicture } from "./resize.js";
export {
  epochSampler,
  outlierSampler,
  type Sampler,
  type SamplerOptions,
  sequentialBatches,
  stepGenerator,
} from "./sampling.js";
export { classCounts, type HoldOut, holdOut } from "./splits.js";
export type { ImageBatch, ImageDataset, ImageShape, Picture } from "./types.js";
export { imageSize } from "./types.js";
export { type ArrayImages, arrayDataset, subset } from "./views.js";
