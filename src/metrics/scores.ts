import { DataError } from "../errors.js";

/** Out-of-distribution scores, one per image or pixel, higher for more out-of-distribution. */
export type Scores = Float32Array | Float64Array;

/**
 * Refuses scores that have no rank.
 *
 * @param name  how the set is called in messages, for example `in-distribution scores`
 * @throws DataError when the set is empty or holds NaN or an infinity
 */
export function checkScores(scores: Scores, name: string): void {
  if (scores.length === 0) throw new DataError({ where: name, expected: "at least one score", received: "none" });
  let bad = 0;
  let firstBad = -1;
  for (let index = 0; index < scores.length; index++) {
    if (Number.isFinite(scores[index])) continue;
    if (bad++ === 0) firstBad = index;
  }
  if (bad > 0) {
    throw new DataError({
      where: name,
      expected: "finite scores",
      received: `${bad} of ${scores.length} not finite, the first at index ${firstBad} (${scores[firstBad]})`,
      hint: "the model or its input overflowed; look at the images of those scores",
    });
  }
}
