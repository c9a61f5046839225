/**
 * How often every distinct float32 score occurs, in linear time: the bits of a float, seen as an integer, order as the floats do, once those
 * of negative numbers are turned over. Scores are dealt out by the upper half of their bits. Each of the piles, which fits a cache, is
 * then counted by the lower half: in a table of all halves where it is large, and else by sorting.
 */

/** Counts per distinct score, highest first. */
export interface ScoreCounts {
  readonly thresholds: Float32Array;
  readonly idCounts: Uint32Array;
  readonly oodCounts: Uint32Array;
}

export const halfBits = 16;
export const halfSize = 1 << halfBits;
export const lowerHalf = halfSize - 1;
const signBit = -0x80000000;
/** Members from which on going through the whole table takes less time than sorting. */
const tableWorth = halfSize / 4;

/** Counts finite scores of both sets. -0 counts as +0. */
export function countFloat32(id: Float32Array, ood: Float32Array): ScoreCounts {
  const sets = [id, ood].map(bitsOf);
  const ends = new Uint32Array(halfSize);
  for (const words of sets) tally(words, ends);
  let capacity = 0;
  let total = 0;
  let largest = 0; // of the piles to sort
  // From sizes to positions, the pile of the highest scores first.
  for (let pile = lowerHalf; pile >= 0; pile--) {
    const size = ends[pile] as number;
    capacity += Math.min(size, halfSize);
    if (size <= tableWorth) largest = Math.max(largest, size);
    ends[pile] = total;
    total += size;
  }
  const entries = new Uint32Array(total);
  sets.forEach((words, set) => {
    deal(words, set, ends, entries);
  });
  // Dealing has moved every position to the end of its pile.
  const found = new Distinct(capacity);
  const spare = new Uint32Array(largest);
  let start = 0;
  for (let pile = lowerHalf; pile >= 0; pile--) {
    const end = ends[pile] as number;
    if (end === start) continue;
    const members = entries.subarray(start, end);
    if (members.length > tableWorth) found.addUnsorted(pile, members);
    else found.addSorted(pile, sorted(members, spare.subarray(0, members.length)));
    start = end;
  }
  return found.counts();
}

export const bitsOf = (scores: Float32Array) => new Int32Array(scores.buffer, scores.byteOffset, scores.length);

/** Orders as the floats do; -0 becomes +0. */
export const keyOf = (word: number) => (word === signBit ? signBit : word ^ ((word >> 31) | signBit));
export const wordOf = (key: number) => key ^ (~(key >> 31) | signBit);
/** The float32 of a key. */
export const floatOf = (key: number): number => new Float32Array(Int32Array.of(wordOf(key)).buffer)[0] as number;

function tally(words: Int32Array, sizes: Uint32Array): void {
  for (let index = 0; index < words.length; index++) {
    const pile = keyOf(words[index] as number) >>> halfBits;
    sizes[pile] = (sizes[pile] as number) + 1;
  }
}

/** Writes each score's lower half, with the set in the bit below it, to the next place of its pile. */
function deal(words: Int32Array, set: number, places: Uint32Array, entries: Uint32Array): void {
  for (let index = 0; index < words.length; index++) {
    const key = keyOf(words[index] as number);
    const pile = key >>> halfBits;
    const place = places[pile] as number;
    entries[place] = ((key & lowerHalf) << 1) | set;
    places[pile] = place + 1;
  }
}

const digitSize = 256;
const lowSizes = new Uint32Array(digitSize);
const highSizes = new Uint32Array(digitSize);

/** The entries of one pile, highest first, in either of the two arrays: a radix sort of two digits, without those that all entries share. */
function sorted(entries: Uint32Array, spare: Uint32Array): Uint32Array {
  lowSizes.fill(0);
  highSizes.fill(0);
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as number;
    const low = (entry >>> 1) & 0xff;
    const high = entry >>> 9;
    lowSizes[low] = (lowSizes[low] as number) + 1;
    highSizes[high] = (highSizes[high] as number) + 1;
  }
  let [from, to] = [entries, spare];
  for (const [sizes, shift] of [
    [lowSizes, 1],
    [highSizes, 9],
  ] as const) {
    if (sizes.includes(entries.length)) continue;
    scatter(from, to, shift, sizes);
    [from, to] = [to, from];
  }
  return from;
}

function scatter(from: Uint32Array, to: Uint32Array, shift: number, places: Uint32Array): void {
  let start = 0;
  for (let digit = digitSize - 1; digit >= 0; digit--) {
    const size = places[digit] as number;
    places[digit] = start;
    start += size;
  }
  for (let index = 0; index < from.length; index++) {
    const entry = from[index] as number;
    const digit = (entry >>> shift) & 0xff;
    const place = places[digit] as number;
    to[place] = entry;
    places[digit] = place + 1;
  }
}

/** The result, pile by pile. Memory that is never written is never taken. */
class Distinct {
  private readonly words: Uint32Array<ArrayBuffer>;
  private readonly idCounts: Uint32Array;
  private readonly oodCounts: Uint32Array;
  /** Counts of every lower half, of both sets side by side: an entry is its own index. */
  private readonly table = new Uint32Array(2 * halfSize);
  private length = 0;

  constructor(capacity: number) {
    this.words = new Uint32Array(capacity);
    this.idCounts = new Uint32Array(capacity);
    this.oodCounts = new Uint32Array(capacity);
  }

  addUnsorted(pile: number, entries: Uint32Array): void {
    const { words, idCounts, oodCounts, table } = this;
    table.fill(0);
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as number;
      table[entry] = (table[entry] as number) + 1;
    }
    let at = this.length;
    for (let half = lowerHalf; half >= 0; half--) {
      const inId = table[2 * half] as number;
      const inOod = table[2 * half + 1] as number;
      // What the next half overwrites where nothing was found: cheaper than a branch that nobody can predict.
      words[at] = wordOf((pile << halfBits) | half);
      idCounts[at] = inId;
      oodCounts[at] = inOod;
      at += -(inId + inOod) >>> 31;
    }
    this.length = at;
  }

  addSorted(pile: number, entries: Uint32Array): void {
    const { words, idCounts, oodCounts } = this;
    let at = this.length - 1;
    let previous = -1;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as number;
      const half = entry >>> 1;
      if (half !== previous) {
        previous = half;
        words[++at] = wordOf((pile << halfBits) | half);
      }
      const isOod = entry & 1;
      oodCounts[at] = (oodCounts[at] as number) + isOod;
      idCounts[at] = (idCounts[at] as number) + 1 - isOod;
    }
    this.length = at + 1;
  }

  counts(): ScoreCounts {
    return {
      thresholds: new Float32Array(this.words.buffer, 0, this.length),
      idCounts: this.idCounts.subarray(0, this.length),
      oodCounts: this.oodCounts.subarray(0, this.length),
    };
  }
}
