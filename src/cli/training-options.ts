/** The options that `tune` and `train` share. Where the two differ in a default, the help of each command says its own. */
import { OptionError } from "../errors.js";
import type { TuneOptions } from "../training/index.js";
import type { OptionDeclarations, OptionValues } from "./option.js";
import { toggle } from "./option.js";
import { integer, namedNumber, number, numberOrAuto, oneOf, text } from "./parsers.js";
import { dataset, shared } from "./shared-options.js";

const data = "Model and data:";
const loss = "Loss:";
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
export const lossOptions = <const D extends Record<"loss" | "mIn" | "mOut" | "alpha" | "gamma", string>>(defaults: D) =>
  ({
    loss: {
      placeholder: "NAME",
      group: loss,
      help: "what is added to the cross entropy",
      default: defaults.loss,
      parser: oneOf(async () => {
        const { losses } = await import("../losses/index.js");
        return Object.keys(losses) as (keyof typeof losses)[];
      }),
    },
    weight: {
      placeholder: "W",
      group: loss,
      help: "weight of the loss beside the cross entropy",
      default: "the loss's own",
      parser: number({ min: 0, max: 1e6 }),
    },
    mIn: {
      placeholder: "E|auto",
      group: loss,
      help: "energy below which training images are left alone",
      default: defaults.mIn,
      parser: numberOrAuto({ min: -1e6, max: 1e6 }),
    },
    mOut: {
      placeholder: "E|auto",
      group: loss,
      help: "energy above which outliers are left alone",
      default: defaults.mOut,
      parser: numberOrAuto({ min: -1e6, max: 1e6 }),
    },
    alpha: {
      placeholder: "A",
      group: loss,
      help: "how much a dominating class raises the outlier margin (balanced-energy)",
      default: defaults.alpha,
      parser: number({ min: 0, max: 1e6 }),
    },
    gamma: {
      placeholder: "G|auto",
      group: loss,
      help: "exponent on the prior (balanced-energy)",
      default: defaults.gamma,
      parser: numberOrAuto({ min: 0, max: 100 }),
    },
    gammaWeight: {
      placeholder: "G",
      group: loss,
      help: "exponent on the prior in the weights of the outliers, where it differs from that in the margin",
      default: "as --gamma",
      parser: number({ min: 0, max: 100 }),
    },
    balanceBy: {
      placeholder: "WAY",
      group: loss,
      help: "divide the weights Z of the outliers by their sum, or by their number",
      default: "sum",
      parser: oneOf(["sum", "mean"]),
    },
    detachZ: toggle("stop the gradient at Z", { group: loss }),
    prior: {
      placeholder: "FILE",
      group: loss,
      help: "prior written by `offmap prior`",
      default: "measured on a trained model, else flat",
      parser: text("the path of a JSON file"),
    },
    priorMomentum: {
      placeholder: "M",
      group: loss,
      help: "let the prior follow the network from batch to batch; the share of the old one that stays",
      default: "the prior stays",
      parser: number({ above: 0, max: 0.999999 }),
    },
    lossOption: {
      placeholder: "NAME=NUMBER",
      group: loss,
      many: {},
      help: "another option of the loss, such as trainingAccuracy=0.95 of oecc, which tune measures otherwise; may be repeated",
      parser: namedNumber,
    },
    labelSmoothing: {
      placeholder: "S",
      group: loss,
      help: "share of the target that is spread over all classes",
      default: "0",
      parser: number({ min: 0, max: 0.99 }),
    },
    logitAdjustment: {
      placeholder: "TAU",
      group: loss,
      help: "logit adjustment for rare classes inside the cross entropy",
      default: "0",
      parser: number({ min: 0, max: 10 }),
    },
  }) as const satisfies OptionDeclarations;

/** @param defaults  as the help shows them */
export const updateOptions = <const D extends Record<"train" | "bn" | "epochs" | "lr" | "holdOut", string>>(
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
      default: "128",
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
      default: "sgd",
      parser: oneOf(["sgd", "adam", "adamw"]),
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
      help: "momentum of sgd (Nesterov)",
      default: "0.9",
      parser: number({ min: 0, max: 1 }),
    },
    weightDecay: {
      placeholder: "D",
      group: training,
      help: "weight decay",
      default: "0.0005",
      parser: number({ min: 0, max: 1 }),
    },
    noDecay: {
      placeholder: "PATTERNS",
      group: training,
      many: { separator: "," },
      help: "parameters without weight decay, such as bn*,*.bias",
      parser: text("patterns over parameter names"),
    },
    schedule: {
      placeholder: "NAME",
      group: training,
      help: "learning rate over the run",
      default: "cosine",
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

/** Of `tune` alone: what the balanced loss is to choose from. */
export const searchOptions = {
  searchAlpha: {
    placeholder: "LIST",
    group: loss,
    many: { separator: "," },
    help: "alphas to choose from, on held-out images and classes of outliers that are kept apart",
    default: "none; with --search-gamma alone 5",
    parser: number({ min: 0, max: 1e6 }),
  },
  searchGamma: {
    placeholder: "LIST",
    group: loss,
    many: { separator: "," },
    help: "gammas to choose from",
    default: "none; with --search-alpha alone 0.75",
    parser: number({ min: 0, max: 100 }),
  },
} as const satisfies OptionDeclarations;

/** What the other one is when only one of the two lists is given. */
const searchDefaults = { alpha: 5, gamma: 0.75 };

/** Alphas and gammas to choose from, as the library takes them. @throws OptionError for a number beside a list of them */
export function toldSearch({ searchAlpha, searchGamma, alpha, gamma }: ToldSearch): Pick<TuneOptions, "search"> {
  if (searchAlpha === undefined && searchGamma === undefined) return {};
  if ((searchAlpha !== undefined && alpha !== undefined) || (searchGamma !== undefined && gamma !== undefined)) {
    throw new OptionError({ where: "tune", expected: "a number, or a list to choose from", received: "both" });
  }
  const fixedGamma = gamma === undefined || gamma === "auto" ? searchDefaults.gamma : gamma;
  return {
    search: { alpha: searchAlpha ?? [alpha ?? searchDefaults.alpha], gamma: searchGamma ?? [fixedGamma] },
  };
}

export interface ToldSearch {
  readonly searchAlpha?: readonly number[];
  readonly searchGamma?: readonly number[];
  readonly alpha?: number;
  readonly gamma?: number | "auto";
}

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
