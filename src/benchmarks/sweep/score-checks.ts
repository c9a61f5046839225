/** Which scores a recipe may name. */
import { OptionError } from "../../errors.js";
import { isOutputScore, needsFit, outputScoreNames, type PartName } from "../../guard/index.js";
import { type PixelScoreName, pixelScoreNeedsFit, pixelScores } from "../../guard/segmentation/index.js";
import { type ScoreName, type ScoreOptions, scores } from "../../scores/index.js";
import type { Task } from "../../training/index.js";

/**
 * Any score of the task: those that need a fit are fitted to the training images or scenes.
 *
 * @param options  of scores of pixels
 */
export function checkedScores(
  task: Task,
  names: readonly string[],
  options: ScoreOptions,
  file: string,
): readonly (PartName | PixelScoreName)[] {
  const [known, what] =
    task === "segmentation"
      ? [Object.keys(pixelScores) as PixelScoreName[], "a score of pixels"]
      : [imageScores(), "a score of images"];
  const strange = Object.keys(options).find((name) => task === "classification" || !isPixelOption(name));
  if (strange !== undefined) {
    throw new OptionError({
      where: `${file}, evaluate.score-options`,
      expected:
        task === "classification" ? "nothing, as scores of images have none here" : "options of scores of pixels",
      received: strange,
    });
  }
  return names.map((name) => {
    const found = known.find((score) => score === name);
    if (found !== undefined) return found;
    throw new OptionError({
      where: `${file}, evaluate.score`,
      expected: `${what} (${known.join(", ")})`,
      received: name,
    });
  });
}

const isPixelOption = (name: string): boolean => Object.values(pixelScores).some(({ defaults }) => name in defaults);

/** Those of the options that a score has. */
export const ownOptions = (score: PixelScoreName, options: ScoreOptions): ScoreOptions =>
  Object.fromEntries(Object.entries(options).filter(([name]) => name in pixelScores[score].defaults));

const imageScores = (): readonly PartName[] => [...(Object.keys(scores) as ScoreName[]), ...outputScoreNames];

/** Of scores of images, those that are fitted. */
export const fittedImageScores = (names: readonly PartName[]): ScoreName[] =>
  names.filter((name): name is ScoreName => name !== "combined" && !isOutputScore(name) && needsFit(name));

/** Whether an evaluation looks at training images or scenes for its scores. */
export const fitsScores = (task: Task, names: readonly (PartName | PixelScoreName)[]): boolean =>
  task === "segmentation"
    ? names.some((name) => pixelScoreNeedsFit(name as PixelScoreName))
    : fittedImageScores(names as readonly PartName[]).length > 0;
