/** Everything a run on pixels finds out before its first step. */
import { OptionError } from "../../errors.js";
import { checkRanges } from "../../losses/ranges.js";
import { type ChosenMargins, fitMargins } from "../margins.js";
import { describePrior, type Prior } from "../prior.js";
import { readPrior } from "../prior-file.js";
import type { Progress } from "../progress.js";
import { meanPriorWeight } from "../statistics.js";
import { measurePixels, type PixelMeasurement, pixelPrior } from "./measure-pixels.js";
import type { ScenePredictor } from "./scene-predictor.js";
import type { SegmentationInputs } from "./segmentation-inputs.js";
import type { ResolvedSegmentationOptions } from "./segmentation-options.js";

/** Part of every checkpoint, so that a resumed run need not measure again. */
export interface SegmentationPreparation {
  readonly prior: Prior | null;
  readonly margins: ChosenMargins | null;
  readonly lossOptions: object;
  /** Null for a network that has not learned anything yet. */
  readonly miouBefore: number | null;
}

type Found = Omit<SegmentationPreparation, "miouBefore">;

/**
 * Prior and margins of the untouched model, from synthesised scenes: `mIn` is the median energy of inlier pixels, and `mOut` is -ln K less the mean
 * lift αZ of outlier pixels; see {@link fitMargins}.
 *
 * @param predictor  of the untouched model
 */
export async function preparePixels(
  predictor: ScenePredictor,
  { loss, scenes, segmenter: { classes }, classNames }: SegmentationInputs,
  options: ResolvedSegmentationOptions,
  run: { readonly progress: Progress; readonly signal: AbortSignal | undefined },
): Promise<Found> {
  const own = { ...loss.defaults, ...checkedOptions(options, loss) } as Partial<Record<string, number>>;
  const { mIn, mOut, priorScenes, seed } = options;
  const given = loss.usesPrior && options.prior !== undefined ? await readPrior(options.prior, classes) : undefined;
  const needsLift = loss.usesPrior && loss.hasMargins && mOut === "auto";
  let measured: PixelMeasurement | undefined;
  if ((loss.usesPrior && given === undefined) || needsLift || (loss.hasMargins && mIn === "auto")) {
    measured = await measurePixels(predictor, classes, scenes, { count: priorScenes, seed, ...run });
  }
  const prior = loss.usesPrior ? (given ?? pixelPrior(measured as PixelMeasurement, classNames)) : null;
  if (!loss.hasMargins) return { prior, margins: null, lossOptions: own };
  const { alpha = 0, gamma = 0 } = own;
  const lift =
    prior === null || !needsLift
      ? 0
      : alpha * meanPriorWeight((measured as PixelMeasurement).outlierRows, prior.prior, gamma);
  const margins = fitMargins(measured?.inlierRows ?? new Float32Array(0), classes, lift, { mIn, mOut });
  return { prior, margins, lossOptions: { ...own, mIn: margins.mIn, mOut: margins.mOut } };
}

/**
 * The same for a network that has not learned anything yet: nothing can be measured on it. A prior is flat unless it is given.
 *
 * @throws OptionError for margins that are to fit the network
 */
export async function prepareUntrainedPixels(
  { loss, segmenter: { classes } }: SegmentationInputs,
  options: ResolvedSegmentationOptions,
): Promise<Found> {
  const { mIn, mOut } = options;
  if (loss.hasMargins && (mIn === "auto" || mOut === "auto")) {
    throw new OptionError({
      where: "--m-in and --m-out",
      expected: "numbers, as there is no trained model yet that they could be fitted to",
      received: "auto",
      hint: "train with --loss ce, then tune the result",
    });
  }
  const flat = () => describePrior(new Array<number>(classes).fill(1));
  const prior = !loss.usesPrior ? null : options.prior === undefined ? flat() : await readPrior(options.prior, classes);
  const lossOptions = {
    ...loss.defaults,
    ...checkedOptions(options, loss),
    ...(loss.hasMargins ? { mIn, mOut } : {}),
  };
  return { prior, margins: null, lossOptions };
}

/** @throws OptionError for a name that the loss does not know, a value of another type, or a number out of its range */
function checkedOptions(
  { loss, lossOptions = {} }: ResolvedSegmentationOptions,
  { defaults, ranges }: SegmentationInputs["loss"],
): object {
  const known = Object.entries(defaults).filter(([name]) => name !== "mIn" && name !== "mOut");
  for (const [name, value] of Object.entries(lossOptions)) {
    if (known.some(([own, standard]) => own === name && typeof standard === typeof value)) continue;
    const list = known.map(([own, standard]) => `${own} (${typeof standard})`).join(", ");
    throw new OptionError({
      where: "--loss-option",
      expected: list === "" ? `no options, as ${loss} has none` : `options of ${loss}: ${list}`,
      received: `${name}=${value}`,
    });
  }
  checkRanges(ranges, lossOptions);
  return lossOptions;
}
