/** Scores of pixels that the command line is told of: by name, or by a file that `offmap fit` has written. */
import { readFile } from "node:fs/promises";
import { FormatError, OptionError } from "../../errors.js";
import {
  asPixelPart,
  decodeSegmentJudge,
  type PixelPart,
  type PixelScoreName,
  readyPixelPart,
  type SegmentJudge,
} from "../../guard/segmentation/index.js";
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

/** @throws FormatError for a file that cannot be read, or is no classifier of segments */
export async function readSegmentJudge(path: string): Promise<SegmentJudge> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new FormatError({
      where: path,
      expected: "a file that `offmap fit --segments` has written",
      received: String(cause),
      cause,
    });
  });
  return decodeSegmentJudge(text, path);
}
