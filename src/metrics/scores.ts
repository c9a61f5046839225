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

/** A sorted copy, smallest first, of finite scores. The order among -0 and +0 is left open. */
export function sortedScores(scores: Scores): Scores {
  return scores instanceof Float32Array ? radixSorted(scores) : scores.slice().sort();
}

const digitBits = [11, 11, 10] as const;

/**
 * Least-significant-digit radix sort over the bits of the floats: negative floats have all bits turned over and the
 * others the sign bit, after which unsigned integers sort as the floats do. Linear, and several times faster than the
 * native sort at 10^6 scores.
 */
function radixSorted(scores: Float32Array): Float32Array {
  const count = scores.length;
  let keys: Uint32Array = new Uint32Array(count);
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, count);
  for (let index = 0; index < count; index++) {
    const word = bits[index] as number;
    keys[index] = word >>> 31 === 1 ? ~word : word | 0x80000000;
  }
  let spare: Uint32Array = new Uint32Array(count);
  let shift = 0;
  for (const width of digitBits) {
    const mask = (1 << width) - 1;
    const next = new Uint32Array(1 << width);
    for (let index = 0; index < count; index++) {
      const digit = ((keys[index] as number) >>> shift) & mask;
      next[digit] = (next[digit] as number) + 1;
    }
    let start = 0;
    for (let digit = 0; digit <= mask; digit++) {
      const size = next[digit] as number;
      next[digit] = start;
      start += size;
    }
    for (let index = 0; index < count; index++) {
      const key = keys[index] as number;
      const digit = (key >>> shift) & mask;
      const place = next[digit] as number;
      spare[place] = key;
      next[digit] = place + 1;
    }
    [keys, spare] = [spare, keys];
    shift += width;
  }
  for (let index = 0; index < count; index++) {
    const key = keys[index] as number;
    keys[index] = key >>> 31 === 1 ? key ^ 0x80000000 : ~key;
  }
  return new Float32Array(keys.buffer);
}
