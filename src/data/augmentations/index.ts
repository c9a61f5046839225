// The augmentations that have a name. A new one is one file and one line here.
import { OptionError } from "../../errors.js";
import { augment } from "../augment.js";
import { colorJitter } from "./color-jitter.js";
import { grayscale } from "./grayscale.js";
import { randAugmentLite } from "./rand-augment-lite.js";
import type { Augmentation } from "./types.js";

export { betaSample } from "./beta.js";
export { type ColorJitterOptions, colorJitter } from "./color-jitter.js";
export { type CutmixBatch, type CutmixOptions, cutmix } from "./cutmix.js";
export { grayscale } from "./grayscale.js";
export { type MixedBatch, type MixupOptions, mixup } from "./mixup.js";
export { type RandAugmentOptions, randAugmentLite } from "./rand-augment-lite.js";
export type { Augmentation } from "./types.js";

export const augmentations = {
  "crop-flip": augment,
  "color-jitter": colorJitter(),
  grayscale: grayscale(),
  "rand-augment-lite": randAugmentLite(),
} as const satisfies Readonly<Record<string, Augmentation>>;

export type AugmentationName = keyof typeof augmentations;

/**
 * Several augmentations as one, in the order given. Each has random numbers of its own (the first of all, `crop-flip`, those of the
 * generator itself), so that leaving one out does not change what the others do. PASCL's views are `["crop-flip", "color-jitter", "grayscale"]`.
 *
 * @throws OptionError for a name given twice
 */
export function composeAugmentations(names: readonly AugmentationName[]): Augmentation {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) {
    throw new OptionError({ where: "augmentations", expected: "each name once", received: `"${twice}" twice` });
  }
  return (batch, generator) =>
    names.reduce(
      (images, name) => augmentations[name](images, name === "crop-flip" ? generator : generator.fork(name)),
      batch,
    );
}
