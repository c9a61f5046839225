export { augment } from "./augment.js";
export {
  type Augmentation,
  type AugmentationName,
  augmentations,
  betaSample,
  type ColorJitterOptions,
  type CutmixBatch,
  type CutmixOptions,
  colorJitter,
  composeAugmentations,
  cutmix,
  grayscale,
  type MixedBatch,
  type MixupOptions,
  mixup,
  type RandAugmentOptions,
  randAugmentLite,
} from "./augmentations/index.js";
export { type ClassSamplerOptions, classBalancedSampler, squareRootSampler } from "./class-sampling.js";
export type { DatasetOptions, LongTail, ResizeMode } from "./dataset-options.js";
export { type DatasetKind, datasetKinds, formatDatasetSpec, parseDatasetSpec } from "./dataset-spec.js";
export { decodeImage, decodeImageFile, imageEndings } from "./decode.js";
export { type CatalogueEntry, catalogue, type FetchedDataset, fetchDataset } from "./fetch/index.js";
export { checkClassCount, requireLabels } from "./labels.js";
export { formatNormalization, type Normalization, normalize, parseNormalization } from "./normalization.js";
export { encodeNpy, type NpyArray, type NpyData, type NpyType, npyNumbers, readNpy, writeNpy } from "./npy.js";
export { type OpenDatasetOptions, openDataset } from "./open.js";
export { prefetch } from "./prefetch.js";
export { createGenerator, type Generator, normal } from "./random.js";
export { resizePicture } from "./resize.js";
export {
  epochSampler,
  outlierSampler,
  type Sampler,
  type SamplerOptions,
  sequentialBatches,
  stepGenerator,
} from "./sampling.js";
export {
  augmentScene,
  batchScenes,
  camvidClasses,
  cityscapesCategories,
  countDatasetLabels,
  countLabels,
  type OpenSegmentationOptions,
  type OutlierObject,
  type OutlierObjects,
  openOutlierObjects,
  openSegmentation,
  outlierLabel,
  type PastedDataset,
  type PasteOptions,
  type PastePlan,
  type Placement,
  pastedDataset,
  pasteOutlier,
  pixelKinds,
  placeOutlier,
  planPastes,
  readPastePlan,
  requireAnomalies,
  type SampledScenes,
  type Scene,
  type SceneAugmentation,
  type SceneBatch,
  type SceneSampler,
  type SceneSamplerOptions,
  type SegmentationDataset,
  type Size,
  sceneSampler,
  segmentationKinds,
  voidLabel,
  writePastePlan,
} from "./segmentation/index.js";
export { classCounts, type HoldOut, holdOut } from "./splits.js";
export type { ImageBatch, ImageDataset, ImageShape, Picture } from "./types.js";
export { imageSize } from "./types.js";
export { type ArrayImages, arrayDataset, subset } from "./views.js";
