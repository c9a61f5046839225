// The architectures that can be trained from scratch. A new one is one file and one line here.
import {
  deepLabResNet18,
  deepLabResNet18Stride16,
  deepLabResNet50,
  deepLabResNet50Stride16,
} from "./deeplab-resnet.js";
import { deepLabSmall } from "./deeplab-small.js";
import { deepLabWideResNet38 } from "./deeplab-wide-resnet.js";
import { densenetBc100 } from "./densenet.js";
import { espnet } from "./espnet.js";
import { resnet18, resnet34 } from "./resnet.js";
import { resnet20, resnet32, resnet44, resnet56 } from "./resnet-cifar.js";
import { visionTransformer } from "./vision-transformer.js";
import { wrn40x2 } from "./wide-resnet.js";

/** Classifiers by their name on the command line. */
export const architectures = {
  resnet18,
  resnet20,
  resnet32,
  resnet34,
  resnet44,
  resnet56,
  "wrn-40-2": wrn40x2,
  "densenet-bc-100-12": densenetBc100,
  vit: visionTransformer,
} as const;

/** Segmentation networks by their name on the command line. */
export const segmentationArchitectures = {
  "deeplabv3plus-small": deepLabSmall,
  "deeplabv3plus-resnet18": deepLabResNet18,
  "deeplabv3plus-resnet18-os16": deepLabResNet18Stride16,
  "deeplabv3plus-resnet50": deepLabResNet50,
  "deeplabv3plus-resnet50-os16": deepLabResNet50Stride16,
  "deeplabv3plus-wrn38": deepLabWideResNet38,
  espnet,
} as const;

export type ArchitectureName = keyof typeof architectures;
export type SegmentationArchitectureName = keyof typeof segmentationArchitectures;

export { createModel, createSegmentationModel } from "./create-model.js";
export type { HeadOptions } from "./heads.js";
export { type Architecture, abstentionKey, type NetworkOptions, type SegmentationArchitecture } from "./types.js";
export { wideResNet } from "./wide-resnet.js";
