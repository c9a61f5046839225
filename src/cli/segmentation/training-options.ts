/** What `tune` and `train` take for scenes beside what they take for images, and what has no meaning there. */
import type { SceneAugmentation, Size } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import type { LossName } from "../../losses/index.js";
import type { PixelLossName } from "../../losses/pixels/index.js";
import type { SegmentationOptions } from "../../training/segmentation/index.js";
import { sizeParser } from "../image-size.js";
import type { OptionDeclarations } from "../option.js";
import { integer, number, oneOf, type Parser, text } from "../parsers.js";
import { featherOption, pasteScaleOption } from "./paste-options.js";
import { refuseFlags } from "./task.js";

const group = "Segmentation:";

const scalesParser: Parser<NonNullable<SceneAugmentation["scales"]>> = {
  async parse(given, where) {
    const [, least, most] = /^([\d.]+):([\d.]+)$/.exec(given.trim()) ?? [];
    const list = given.split(",").map(Number);
    if (least !== undefined) return { least: Number(least), most: Number(most) };
    if (list.every((factor) => factor > 0)) return list;
    throw new OptionError({ where, expected: "LEAST:MOST or a list such as 0.5,1,2", received: `"${given}"` });
  },
};

export const sceneTrainingOptions = {
  val: { placeholder: "DS", group, help: "scenes that mIoU is watched on", parser: text("a segmentation dataset") },
  crop: {
    placeholder: "HxW",
    group,
    help: "size that scenes are cut to",
    default: "the model's own, else theirs",
    parser: sizeParser,
  },
  scales: {
    placeholder: "LEAST:MOST",
    group,
    help: "factors that scenes are scaled by before, or a list such as 0.5,1,2",
    default: "0.75:1.5",
    parser: scalesParser,
  },
  flip: {
    placeholder: "P",
    group,
    help: "probability of mirroring",
    default: "0.5",
    parser: number({ min: 0, max: 1 }),
  },
  outlierShare: {
    placeholder: "P",
    group,
    help: "probability that a scene gets an object",
    default: "0.5",
    parser: number({ min: 0, max: 1 }),
  },
  pasteScale: pasteScaleOption,
  feather: featherOption,
  priorScenes: {
    placeholder: "N",
    group,
    help: "scenes that prior and margins are measured on; in the paper 10,000",
    default: "1000",
    parser: integer({ min: 1, max: 1e7 }),
  },
  trunkStatistics: {
    placeholder: "MODE",
    group,
    help: "BatchNorm statistics of the frozen part; PEBAL's code has moving",
    default: "frozen",
    parser: oneOf(["frozen", "moving"]),
  },
} as const satisfies OptionDeclarations;

/** Of `tune` alone. */
export const headDropoutOption = {
  headDropout: {
    placeholder: "SHARE",
    group,
    help: "put Dropout in front of the last layer, and let it drop this share of the units: for the score mutual-information",
    parser: number({ min: 0.01, max: 0.99 }),
  },
} as const satisfies OptionDeclarations;

/** By the key of the option, the flag; no others are for scenes alone. */
const sceneFlags = {
  ...{ val: "val", crop: "crop", scales: "scales", flip: "flip", outlierShare: "outlier-share", feather: "feather" },
  ...{ pasteScale: "paste-scale", priorScenes: "prior-scenes", trunkStatistics: "trunk-statistics" },
  headDropout: "head-dropout",
};

/** The same for images. */
export const imageFlags = {
  ...{ preset: "preset", gammaWeight: "gamma-weight", balanceBy: "balance-by", detachZ: "detach-z" },
  ...{ priorMomentum: "prior-momentum", labelSmoothing: "label-smoothing", logitAdjustment: "logit-adjustment" },
  ...{ outlierBatch: "outlier-batch", noAugment: "no-augment", augment: "augment", mixup: "mixup" },
  ...{ sampling: "sampling", holdOut: "hold-out", head: "head" },
};

/** Options as `toldTraining` gives them. */
type Told = Readonly<Record<string, unknown>> & {
  readonly loss?: LossName | PixelLossName | undefined;
  readonly lossOptions?: Readonly<Record<string, number>> | undefined;
  readonly alpha?: number | undefined;
  readonly gamma?: number | "auto" | undefined;
  readonly weight?: number | undefined;
  readonly feather?: number | undefined;
  readonly pasteScale?: readonly [number, number] | undefined;
  readonly crop?: Size | undefined;
};

/**
 * The options of a run on scenes as the library takes them.
 *
 * @throws OptionError for an option that only images have, and a loss that pixels do not have
 */
export async function sceneTraining<T extends Told>(options: T) {
  const { alpha, gamma, weight, feather, pasteScale: scale, lossOptions, loss, ...told } = options;
  // `--no-augment` comes as an empty list.
  const noAugment = Array.isArray(told.augment) && told.augment.length === 0;
  refuseFlags({ ...told, noAugment }, imageFlags, "segmentation");
  const { pixelLosses } = await import("../../losses/pixels/index.js");
  const known = Object.keys(pixelLosses) as PixelLossName[];
  if (loss !== undefined && !known.some((name) => name === loss)) {
    throw new OptionError({
      where: "--loss",
      expected: `a loss of a segmentation network (${known.join(", ")})`,
      received: `"${loss}"`,
    });
  }
  if (gamma === "auto") {
    throw new OptionError({ where: "--gamma", expected: "a number, for segmentation networks", received: "auto" });
  }
  const { defaults } = pixelLosses[(loss ?? "ce") as PixelLossName];
  const own = Object.fromEntries(
    Object.entries({ alpha, gamma, weight, ...lossOptions })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, asIn(defaults, name, value as number)]),
  ) as NonNullable<SegmentationOptions["lossOptions"]>;
  return {
    ...told,
    ...(loss === undefined ? {} : { loss: loss as PixelLossName }),
    ...(Object.keys(own).length === 0 ? {} : { lossOptions: own }),
    ...(scale === undefined && feather === undefined
      ? {}
      : { paste: { ...(scale && { scale }), ...(feather !== undefined && { feather }) } }),
  };
}

/** The settings of the paper for a loss: what this one does not look at nobody has given, and nobody need be warned of. */
export async function paperSettings(loss: PixelLossName = "balanced-energy") {
  const [{ paperSegmentation }, { pixelLosses }] = await Promise.all([
    import("../../training/segmentation/index.js"),
    import("../../losses/pixels/index.js"),
  ]);
  const { mIn, mOut, priorScenes, ...settings } = paperSegmentation;
  const { hasMargins, usesPrior } = pixelLosses[loss];
  return { ...settings, ...(hasMargins && { mIn, mOut }), ...((hasMargins || usesPrior) && { priorScenes }) };
}

/** A switch of a loss, such as `useVoid`, is told by 0 or 1. */
function asIn(defaults: object, name: string, value: number): number | boolean {
  const isSwitch = typeof Object.entries(defaults).find(([own]) => own === name)?.[1] === "boolean";
  return isSwitch && (value === 0 || value === 1) ? value === 1 : value;
}

/**
 * The same for images.
 *
 * @throws OptionError for an option that only scenes have, and a loss that images do not have
 */
export async function imageTraining<T extends Told>({ loss, ...told }: T) {
  refuseFlags(told, sceneFlags, "classification");
  const { losses } = await import("../../losses/index.js");
  const known = Object.keys(losses) as LossName[];
  if (loss !== undefined && !known.some((name) => name === loss)) {
    throw new OptionError({
      where: "--loss",
      expected: `a loss of an image classifier (${known.join(", ")})`,
      received: `"${loss}"`,
    });
  }
  return { ...told, ...(loss === undefined ? {} : { loss: loss as LossName }) };
}

/** Losses of images, then those that only pixels have. */
export const anyLoss = oneOf(async () => {
  const [{ losses }, { pixelLosses }] = await Promise.all([
    import("../../losses/index.js"),
    import("../../losses/pixels/index.js"),
  ]);
  return [...new Set([...Object.keys(losses), ...Object.keys(pixelLosses)])] as (LossName | PixelLossName)[];
});
