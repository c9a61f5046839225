/** Names of scores, of images and of pixels: many are both. */
import { OptionError } from "../../errors.js";
import type { PixelScoreName } from "../../guard/segmentation/index.js";
import type { ScoreName } from "../../scores/index.js";
import { oneOf } from "../parsers.js";
import { scoreNames } from "../shared-options.js";

export type AnyScoreName = ScoreName | PixelScoreName;

export async function pixelScoreNames(): Promise<PixelScoreName[]> {
  const { pixelScores } = await import("../../guard/segmentation/scores/index.js");
  return Object.keys(pixelScores) as PixelScoreName[];
}

/** Those of images, then those that only pixels have. */
export const anyScoreNames = async (): Promise<AnyScoreName[]> => [
  ...new Set<AnyScoreName>([...(await scoreNames()), ...(await pixelScoreNames())]),
];

export const anyScore = oneOf(anyScoreNames);

/** @throws OptionError for a score that pixels do not have */
export const asPixelScores = async (names: readonly AnyScoreName[], flag: string): Promise<PixelScoreName[]> =>
  ofTask(names, await pixelScoreNames(), flag, "a segmentation network");

/** @throws OptionError for a score that only pixels have */
export const asImageScores = async (names: readonly AnyScoreName[], flag: string): Promise<ScoreName[]> =>
  ofTask(names, await scoreNames(), flag, "an image classifier");

function ofTask<Name extends AnyScoreName>(
  names: readonly AnyScoreName[],
  known: readonly Name[],
  flag: string,
  model: string,
): Name[] {
  return [...new Set(names)].map((name) => {
    const found = known.find((each) => each === name);
    if (found !== undefined) return found;
    throw new OptionError({
      where: flag,
      expected: `a score of ${model} (${known.join(", ")})`,
      received: `"${name}"`,
    });
  });
}
