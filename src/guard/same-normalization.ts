/** Scores and thresholds hold for images normalised as those were that they were made from, and say nothing about others. */
import { formatNormalization, type Normalization } from "../data/index.js";
import { OptionError } from "../errors.js";

/** How files remember it. */
export const normalizationText = (normalization: Normalization | undefined): string =>
  normalization === undefined ? "none" : formatNormalization(normalization);

/** Equal values of all channels as one, which normalises alike. */
export const canonical = (text: string): string =>
  text
    .split(":")
    .map((side) => {
      const [first = "", ...others] = side.split(",");
      return others.every((value) => value === first) ? first : side;
    })
    .join(":");

/**
 * @param remembered  undefined for what does not depend on it
 * @param what        what was made: "score odin was fitted"
 * @param again       the hint to make it anew
 * @throws OptionError for another normalisation than the one remembered
 */
export function checkNormalization(
  remembered: string | undefined,
  normalization: Normalization | undefined,
  { what, again }: { what: string; again: string },
): void {
  const given = normalizationText(normalization);
  if (remembered === undefined || canonical(remembered) === canonical(given)) return;
  throw new OptionError({
    where: "--normalize",
    expected: `${remembered}, with which the ${what}`,
    received: given,
    hint: again,
  });
}
