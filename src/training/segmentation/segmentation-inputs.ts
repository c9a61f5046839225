/** The model and data of a run on pixels, opened and checked. */
import {
  type ImageShape,
  type Normalization,
  type OutlierObjects,
  openOutlierObjects,
  openSegmentation,
  type SceneSamplerOptions,
  type SegmentationDataset,
  type Size,
} from "../../data/index.js";
import { DataError, OptionError, ShapeError } from "../../errors.js";
import { type PixelLossDefinition, pixelLosses } from "../../losses/pixels/index.js";
import type { Model } from "../../onnx/types.js";
import { asClassifier, type Classifier, normalizationFor } from "../classifier.js";
import type { Start } from "../run-training.js";
import { addOutlierHead } from "./outlier-head.js";
import { type PixelPlan, planPixels, selectPixelParameters } from "./pixel-plan.js";
import type { ResolvedSegmentationOptions } from "./segmentation-options.js";
import { asSegmenter, type Segmenter } from "./segmenter.js";

export interface SegmentationStart extends Start {
  /** The same network for images of the size of the crops, where the model itself takes whole scenes only. */
  readonly forCrops?: Model;
  /** Whether the network was given Dropout for this run, which should then drop something; default false. */
  readonly hasHeadDropout?: boolean;
}

export interface SegmentationInputs {
  /** For whole scenes: what mIoU is watched on, and what is written. */
  readonly segmenter: Segmenter;
  /** For crops. Its parameters have the names of those above. */
  readonly plan: PixelPlan;
  readonly loss: PixelLossDefinition<object>;
  readonly normalization: Normalization | undefined;
  readonly id: SegmentationDataset;
  readonly classNames: readonly string[];
  readonly outliers: OutlierObjects | undefined;
  readonly val: SegmentationDataset | undefined;
  /** How training scenes are made. */
  readonly scenes: Omit<SceneSamplerOptions, "generator">;
}

export async function openSegmentationInputs(
  options: ResolvedSegmentationOptions,
  { model, where, forCrops }: Pick<SegmentationStart, "model" | "where" | "forCrops">,
): Promise<SegmentationInputs> {
  const loss = pixelLosses[options.loss] as PixelLossDefinition<object>;
  const classifier = asClassifier(model, where);
  const normalization = normalizationFor(classifier, options.normalization);
  const own = fixedSize(classifier);
  const id = await openSegmentation(options.id, own);
  const { classNames } = id;
  if (classNames === undefined) {
    throw new DataError({
      where: options.id,
      expected: "labels of classes to train on",
      received: "labels that only tell anomalies from the rest",
    });
  }
  const outliers = options.outliers === undefined ? undefined : await openOutlierObjects(options.outliers);
  const { needsOutliers = () => true } = loss;
  if (outliers === undefined && needsOutliers({ ...loss.defaults, ...options.lossOptions })) {
    throw new OptionError({
      where: "--outliers",
      expected: `objects to paste, for the loss ${options.loss}`,
      received: "none",
      hint: "give a folder of cut-outs (cutouts:DIR), or --loss ce",
    });
  }
  const val = options.val === undefined ? undefined : await openSegmentation(options.val, own);
  checkSameClasses(classNames, val);
  checkSize(own.size, val ?? id);
  const crop = cropFor(options, forCrops === undefined ? own.size : undefined, id);
  const outputs = { classes: classNames.length, abstention: loss.abstentionClasses ?? 0, labels: id };
  const segmenterFor = (network: Model, shape: ImageShape) => {
    const start = loss.outlierHead ? withOutlierHead(network, shape, options.seed) : network;
    return asSegmenter(start, shape, outputs, options.seed, where);
  };
  const segmenter = segmenterFor(model, imagesOf(own.size ?? crop));
  const shape = imagesOf(crop);
  const { batch: batchSize, scales, flip, shuffle, outlierShare, paste } = options;
  const scenes = {
    ...{ scenes: id, batchSize, crop, scales, flip, shuffle },
    ...(outliers && { outliers }),
    ...(outlierShare !== undefined && outliers !== undefined && { outlierShare }),
    ...(paste && { paste }),
  };
  const plan = planPixels(forCrops === undefined ? segmenter : segmenterFor(forCrops, shape), shape, options);
  return { segmenter, plan, loss, normalization, id, classNames, outliers, val, scenes };
}

const imagesOf = ({ height, width }: Size): ImageShape => [3, height, width];

function withOutlierHead(model: Model, shape: ImageShape, seed: number): Model {
  const block = selectPixelParameters(asClassifier(model).upgraded.graph, "head");
  return addOutlierHead(model, block, shape, seed);
}

/** The size that a model insists on, which scenes are brought to when their dataset is given without one. */
function fixedSize({ shape: [, height, width] }: Classifier): { size?: Size } {
  return height === undefined || width === undefined ? {} : { size: { height, width } };
}

/** @throws ShapeError before the run for scenes that mIoU could not be taken from after it */
function checkSize(own: Size | undefined, { shape, spec }: SegmentationDataset): void {
  if (own === undefined || (shape?.[1] === own.height && shape[2] === own.width)) return;
  throw new ShapeError({
    where: `dataset "${spec}"`,
    expected: `scenes of ${own.height}x${own.width}, the only size that the model takes`,
    received: shape === undefined ? "several sizes" : `${shape[1]}x${shape[2]}`,
    hint: "leave size= and scale= out, and they are brought to its size",
  });
}

/** @throws ShapeError for a crop that the model does not take, OptionError when there is no telling its size */
function cropFor({ crop }: ResolvedSegmentationOptions, own: Size | undefined, id: SegmentationDataset): Size {
  if (own !== undefined) {
    if (crop === undefined || (crop.height === own.height && crop.width === own.width)) return own;
    throw new ShapeError({
      where: "--crop",
      expected: `${own.height}x${own.width}, the only size that the model takes`,
      received: `${crop.height}x${crop.width}`,
      hint: "leave it out, or export the model with dynamic height and width",
    });
  }
  if (crop !== undefined) return crop;
  if (id.shape !== undefined) return { height: id.shape[1], width: id.shape[2] };
  throw new OptionError({
    where: "--crop",
    expected: "a size that scenes are cut to, as neither the model nor the images have one",
    received: "none",
    hint: "for example --crop 360x480",
  });
}

function checkSameClasses(classNames: readonly string[], val: SegmentationDataset | undefined): void {
  if (val === undefined || val.classNames?.join() === classNames.join()) return;
  throw new DataError({
    where: val.spec,
    expected: `the classes that are trained on (${classNames.join(", ")})`,
    received: val.classNames?.join(", ") ?? "no classes",
    hint: "leave the same classes out of both with void= or outlier=",
  });
}

/** mIoU is taken from at most this many training scenes. */
const sampleSize = 100;

/** The scenes mIoU is watched on: those for validation, else training scenes, evenly spread as videos lie in order. */
export function watchedScenes({ val, id }: SegmentationInputs): { dataset: SegmentationDataset; indices?: Int32Array } {
  if (val !== undefined) return { dataset: val };
  const count = Math.min(sampleSize, id.length);
  return { dataset: id, indices: Int32Array.from({ length: count }, (_, at) => Math.floor((at * id.length) / count)) };
}
