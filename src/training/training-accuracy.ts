/** For losses that ask a model to be no more confident than it was right before this training. */
import { OptionError } from "../errors.js";

/** What a loss takes as the accuracy of the model on its training images before this training. */
export interface ChosenAccuracy {
  /** In [0, 1]. */
  readonly value: number;
  /** Why this, in a few words for the user. */
  readonly reason: string;
}

export const measuredAccuracy = (value: number, images: number): ChosenAccuracy => ({
  value,
  reason: `${value.toFixed(4)}, measured on ${images} training images`,
});

/**
 * The accuracy as it was told; undefined where it was not.
 *
 * @param option  the loss's name for it
 * @throws OptionError for a number that is no share
 */
export function givenAccuracy(option: string, told: Readonly<Record<string, number>>): ChosenAccuracy | undefined {
  const value = told[option];
  if (value === undefined) return undefined;
  if (value >= 0 && value <= 1) return { value, reason: `${value} as given` };
  throw new OptionError({
    where: "--loss-option",
    expected: `${option}=NUMBER with a share from 0 to 1`,
    received: String(value),
  });
}
