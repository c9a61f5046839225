import { createHash } from "node:crypto";
import { openSegmentation, type SegmentationDataset, type Size } from "../../data/index.js";
import { DataError, OptionError } from "../../errors.js";
import { pixelLosses } from "../../losses/pixels/index.js";
import { createSegmentationModel, type SegmentationArchitecture, segmentationArchitectures } from "../../nn/index.js";
import { encodeModel } from "../../onnx/index.js";
import type { TrainingContext } from "../run-training.js";
import { runSegmentation } from "./run-segmentation.js";
import {
  resolveTrainSegmentation,
  type SegmentationResult,
  type TrainSegmentationOptions,
} from "./segmentation-options.js";

/**
 * Trains a segmentation network from nothing. The data tell its classes and the size of its images, `seed` its starting values. With `crop` it is trained
 * on pieces of the scenes, by a network of that size with the same parameters.
 * See {@link runSegmentation} for what is written and thrown.
 */
export async function trainSegmentation(
  options: TrainSegmentationOptions,
  context: TrainingContext = {},
): Promise<SegmentationResult> {
  const resolved = resolveTrainSegmentation(options);
  const id = await openSegmentation(options.id);
  if (id.classNames === undefined) {
    throw new DataError({
      where: options.id,
      expected: "labels of classes to train on",
      received: "labels that only tell anomalies from the rest",
    });
  }
  const whole = sizeOf(id);
  const architecture: SegmentationArchitecture = segmentationArchitectures[options.arch];
  const { abstentionClasses: abstention = 0 }: { abstentionClasses?: number } = pixelLosses[resolved.loss];
  const network = { classes: id.classNames.length, width: resolved.width, abstention };
  const create = ({ height, width }: Size) =>
    createSegmentationModel(architecture, { ...network, shape: [3, height, width] }, resolved.seed);
  const model = create(whole);
  const { crop = whole } = resolved;
  const forCrops = crop.height === whole.height && crop.width === whole.width ? {} : { forCrops: create(crop) };
  const digest = createHash("sha256").update(encodeModel(model)).digest("hex");
  return runSegmentation(
    { model, where: options.arch, digest, trained: false, ...forCrops },
    resolved,
    options,
    context,
  );
}

/** The network is made for the size of whole scenes, which it is watched and used on. */
function sizeOf({ shape, spec }: SegmentationDataset): Size {
  if (shape !== undefined) return { height: shape[1], width: shape[2] };
  throw new OptionError({
    where: spec,
    expected: "scenes of one size, which the network is made for",
    received: "several sizes",
    hint: "bring them to a size with size=HEIGHTxWIDTH in the dataset",
  });
}
