/** The options that `tune` and `train` share. Where the two differ in a default, the help of each command says its own. */
import { OptionError } from "../errors.js";
import type { lossOptions } from "./loss-options.js";
import type { OptionDeclarations, OptionValues } from "./option.js";
import { toggle } from "./option.js";
import { integer, number, oneOf, text } from "./parsers.js";
import { dataset, shared } from "./shared-options.js";

const data = "Model and data:";
const training = "Training:";
const run = "Run:";

export const trainingData = {
  id: { placeholder: "DS", group: data, required: true, help: "labelled training images", parser: dataset },
  outliers: {
    placeholder: "DS",
    group: data,
    help: "images that show none of the classes; required unless --loss ce",
    parser: dataset,
  },
  normalization: { ...shared.normalize, flag: "normalize" },
} as const satisfies OptionDeclarations;

/** @param defaults  as the help shows them */
export const updateOptions = <
  const D extends Record<"train" | "bn" | "epochs" | "optimizer" | "lr" | "weightDecay" | "holdOut", string>,
>(
  defaults: D,
) =>
  ({
    train: {
      placeholder: "WHAT",
      group: training,
      many: { separator: "," },
      help: "head (the last layer), all, or patterns over parameter names such as layer4.*,fc.*",
      default: defaults.train,
      parser: text("head, all or a pattern"),
    },
    batchNorm: {
      flag: "bn",
      placeholder: "MODE",
      group: training,
      help: "BatchNorm of the trained part: statistics of the batch, or those the model has",
      default: defaults.bn,
      parser: oneOf(["batch", "frozen"]),
    },
    epochs: {
      placeholder: "N",
      group: training,
      help: "passes over the training images",
      default: defaults.epochs,
      parser: integer({ min: 1, max: 1e6 }),
    },
    steps: {
      placeholder: "N",
      group: training,
      help: "updates, instead of epochs",
      parser: integer({ min: 1, max: 1e9 }),
    },
    batch: {
      placeholder: "N",
      group: training,
      help: "training images per update",
      default: "128; 8 for scenes",
      parser: integer({ min: 1, max: 65536 }),
    },
    outlierBatch: {
      placeholder: "N",
      group: training,
      help: "outliers per update",
      default: "256",
      parser: integer({ min: 1, max: 65536 }),
    },
    optimizer: {
      placeholder: "NAME",
      group: training,
      help: "how gradients move weights",
      default: defaults.optimizer,
      parser: oneOf(["sgd", "sgd-plain", "adam", "adamw", "amsgrad"]),
    },
    learningRate: {
      flag: "lr",
      placeholder: "R",
      group: training,
      help: "learning rate",
      default: defaults.lr,
      parser: number({ above: 0, max: 1000 }),
    },
    momentum: {
      placeholder: "M",
      group: training,
      help: "momentum of sgd (Nesterov's) and of sgd-plain",
      default: "0.9",
      parser: number({ min: 0, max: 1 }),
    },
    weightDecay: {
      placeholder: "D",
      group: training,
      help: "weight decay",
      default: defaults.weightDecay,
      parser: number({ min: 0, max: 1 }),
    },
    noDecay: {
      placeholder: "PATTERNS",
      group: training,
      many: { separator: "," },
      help: "parameters without weight decay, such as *bn*,*.bias",
      parser: text("patterns over parameter names"),
    },
    schedule: {
      placeholder: "NAME",
      group: training,
      help: "learning rate over the run",
      default: "cosine; poly for scenes",
      parser: oneOf(["cosine", "constant", "step", "poly"]),
    },
    milestones: {
      placeholder: "SHARES",
      group: training,
      many: { separator: "," },
      help: "shares of the run after which the rate falls (schedule step)",
      default: "0.5,0.75",
      parser: number({ above: 0, max: 1 }),
    },
    decay: {
      placeholder: "F",
      group: training,
      help: "what each fall multiplies the rate by (schedule step)",
      default: "0.1",
      parser: number({ above: 0, max: 1 }),
    },
    warmUp: {
      placeholder: "SHARE",
      group: training,
      help: "share of the run over which the rate rises from 0",
      default: "0",
      parser: number({ min: 0, max: 0.99 }),
    },
    average: {
      placeholder: "M",
      group: training,
      help: "give the moving average of the weights; the share of it that stays in each update, such as 0.999",
      default: "the weights themselves",
      parser: number({ above: 0, max: 0.999999 }),
    },
    augment: {
      placeholder: "NAMES",
      group: training,
      many: { separator: "," },
      help: "what happens to images by chance, in this order",
      default: "crop-flip",
      parser: oneOf(async () => {
        const { augmentations } = await import("../data/index.js");
        return Object.keys(augmentations) as (keyof typeof augmentations)[];
      }),
    },
    noAugment: toggle("leave images as they are", { group: training }),
    mixup: {
      placeholder: "ALPHA",
      group: training,
      help: "mix pairs of training images, by shares of the distribution Beta(ALPHA, ALPHA)",
      default: "none are mixed",
      parser: number({ above: 0, max: 100 }),
    },
    sampling: {
      placeholder: "NAME",
      group: training,
      help: "how often images of frequent and rare classes come: each once an epoch, classes equally often, or between the two",
      default: "shuffled",
      parser: oneOf(["shuffled", "class-balanced", "square-root"]),
    },
    noShuffle: toggle("images and outliers in their own order, from the first", { group: training }),
    holdOut: {
      placeholder: "SHARE",
      group: training,
      help: "share of the training images kept out to watch accuracy on",
      default: defaults.holdOut,
      parser: number({ min: 0, max: 0.5 }),
    },
  }) as const satisfies OptionDeclarations;

export const runOptions = {
  seed: {
    placeholder: "S",
    group: run,
    help: "start of all randomness",
    default: "1",
    parser: integer({ min: 0, max: 2 ** 31 - 1 }),
  },
  out: {
    placeholder: "DIR",
    group: run,
    required: true,
    help: "folder for the results",
    parser: text("the path of a folder"),
  },
  checkpointEvery: {
    placeholder: "N",
    group: run,
    help: "updates between checkpoints",
    default: "100",
    parser: integer({ min: 1, max: 1e9 }),
  },
  resume: toggle("go on with the run in --out", { group: run }),
} as const satisfies OptionDeclarations;

type Told = Omit<
  OptionValues<
    typeof trainingData & ReturnType<typeof lossOptions> & ReturnType<typeof updateOptions> & typeof runOptions
  >,
  // Images and pixels have different losses.
  "loss"
>;

/** The options as the library takes them. @throws OptionError for both `--steps` and `--epochs` */
export function toldTraining<T extends Told>({ train, noDecay, lossOption, noAugment, noShuffle, ...options }: T) {
  if (options.steps !== undefined && options.epochs !== undefined) {
    throw new OptionError({ where: "training", expected: "either --steps or --epochs", received: "both" });
  }
  if (noAugment && options.augment !== undefined) {
    throw new OptionError({ where: "training", expected: "either --augment or --no-augment", received: "both" });
  }
  return {
    ...options,
    ...(train === undefined ? {} : { train: train.join(",") }),
    ...(noDecay === undefined ? {} : { noDecay: noDecay.join(",") }),
    ...(lossOption === undefined ? {} : { lossOptions: Object.fromEntries(lossOption) }),
    ...(noAugment ? { augment: [] } : {}),
    ...(noShuffle ? { shuffle: false } : {}),
  };
}
