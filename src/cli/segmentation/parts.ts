/** Scores of pixels that the command line is told of: by name, or by a file that `offmap fit` has written. */
import { OptionError } from "../../errors.js";
import { asPixelPart, type PixelPart, type PixelScoreName, readyPixelPart } from "../../guard/segmentation/index.js";
import { readModel } from "../../onnx/index.js";

export async function readPixelPart(path: string): Promise<PixelPart> {
  return asPixelPart(await readModel(path), path);
}

/** The score of `--fit FILE`, or else of `--score NAME`, which must need no fit. */
export async function chosenPixelPart(fit: string | undefined, score: PixelScoreName | undefined): Promise<PixelPart> {
  if (fit === undefined) return readyPixelPart(score ?? "energy");
  const part = await readPixelPart(fit);
  if (score === undefined || score === part.score) return part;
  throw new OptionError({
    where: "--score",
    expected: `nothing, or ${part.score}, which ${fit} holds`,
    received: score,
  });
}
