/** Scores that the command line is told of: by name, or by a file that `offmap fit` has written. */
import { OptionError } from "../errors.js";
import { asPart, readyPart, type ScorePart } from "../guard/index.js";
import { readModel } from "../onnx/index.js";
import type { ScoreName, ScoreOptions } from "../scores/index.js";

export async function readPart(path: string): Promise<ScorePart> {
  return asPart(await readModel(path), path);
}

/** The score of `--fit FILE`, or else of `--score NAME`, which must need no fit. */
export async function chosenPart(
  fit: string | undefined,
  score: ScoreName | undefined,
  classes: number,
): Promise<ScorePart> {
  if (fit === undefined) return readyPart(score ?? "energy", classes);
  const part = await readPart(fit);
  if (score === undefined || score === part.score) return part;
  throw new OptionError({
    where: "--score",
    expected: `nothing, or ${part.score}, which ${fit} holds`,
    received: score,
  });
}

/** `name=number` texts as options. @throws OptionError for anything else */
export function scoreOptions(texts: readonly string[]): ScoreOptions {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([A-Za-z]\w*)=(.+)$/.exec(text) ?? [];
      if (name === undefined || !Number.isFinite(Number(value))) {
        throw new OptionError({ where: "--option", expected: "NAME=NUMBER, such as k=50", received: `"${text}"` });
      }
      return [name, Number(value)];
    }),
  );
}
