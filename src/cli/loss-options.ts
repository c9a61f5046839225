/** What is added to the cross entropy, for `tune` and `train`. */
import { OptionError } from "../errors.js";
import type { TuneOptions } from "../training/index.js";
import type { OptionDeclarations } from "./option.js";
import { toggle } from "./option.js";
import { namedNumber, number, numberOrAuto, oneOf, text } from "./parsers.js";

const loss = "Loss:";

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

/** Of `tune` alone: what the balanced loss is to choose from. */
export const searchOptions = {
  searchAlpha: {
    placeholder: "LIST",
    group: loss,
    many: { separator: "," },
    help: "alphas to choose from, on held-out images and classes of outliers that are kept apart; images that the model was trained on misjudge what balances",
    default: "none; with --search-gamma alone 5, or the preset's",
    parser: number({ min: 0, max: 1e6 }),
  },
  searchGamma: {
    placeholder: "LIST",
    group: loss,
    many: { separator: "," },
    help: "gammas to choose from",
    default: "none; with --search-alpha alone 0.75, or the preset's",
    parser: number({ min: 0, max: 100 }),
  },
} as const satisfies OptionDeclarations;

/** What the other one is when only one of the two lists is given. */
const searchDefaults = { alpha: 5, gamma: 0.75 };

/**
 * Alphas and gammas to choose from, as the library takes them.
 *
 * @param preset  what the other one is when only one list is given, and no number beside it
 * @throws OptionError for a number beside a list of them, and for a gamma that each network would choose for itself
 */
export function toldSearch(
  { searchAlpha, searchGamma, alpha, gamma }: ToldSearch,
  preset: { readonly alpha?: number; readonly gamma?: number } = {},
): Pick<TuneOptions, "search"> {
  if (searchAlpha === undefined && searchGamma === undefined) return {};
  if ((searchAlpha !== undefined && alpha !== undefined) || (searchGamma !== undefined && gamma !== undefined)) {
    throw new OptionError({ where: "tune", expected: "a number, or a list to choose from", received: "both" });
  }
  if (gamma === "auto") {
    throw new OptionError({ where: "--gamma", expected: "a number beside --search-alpha", received: "auto" });
  }
  const { alpha: fixedAlpha, gamma: fixedGamma } = { ...searchDefaults, ...preset };
  return { search: { alpha: searchAlpha ?? [alpha ?? fixedAlpha], gamma: searchGamma ?? [gamma ?? fixedGamma] } };
}

export interface ToldSearch {
  readonly searchAlpha?: readonly number[];
  readonly searchGamma?: readonly number[];
  readonly alpha?: number;
  readonly gamma?: number | "auto";
}
