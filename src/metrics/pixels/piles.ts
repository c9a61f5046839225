/**
 * Counts of float32 scores that arrive in any order and any number. A score goes to one of 65,536 piles by the upper half of its bits, which
 * order as the floats do (`counting.ts`). Of a pile only the lower halves are kept: one after the other while they are few, and from
 * 131,072 on, when that would take no less memory, as a count of each of the 65,536 possible ones.
 */
import { bitsOf, halfBits, halfSize, keyOf, lowerHalf } from "../counting.js";

/** Halves that take as much memory as a count of each: 2 bytes against 4. */
const tableWorth = 2 * halfSize;
const firstCapacity = 64;
const none = new Uint16Array();

/**
 * Takes at most 4 bytes per score, beside 128 bytes per pile that holds any, and at most 256 KiB per pile. There are 128 piles per power of two, so scores between
 * -32 and -4 take 96 MiB at most, however many they are. While scores are added, 2 bytes for each of them come on top.
 */
export class Piles {
  /** By pile; a pile is either here or in `tables`, and empty ones are in neither. */
  private readonly lists: (Uint16Array | undefined)[] = new Array(halfSize);
  private readonly tables: (Uint32Array | undefined)[] = new Array(halfSize);
  private readonly sizes = new Uint32Array(halfSize);
  private readonly spare = new Uint32Array(halfSize);
  /** While pixels are dealt out: first how many go to each pile, then where its next one goes; else 0. */
  private readonly ends = new Uint32Array(halfSize);

  /**
   * Adds the finite scores at which the mask has the value; -0 counts as +0. They are dealt out by pile first, as each pile fits a cache and all of
   * them do not.
   */
  add(scores: Float32Array, mask: Uint8Array, value: number): void {
    const words = bitsOf(scores);
    const { ends } = this;
    const touched: number[] = [];
    for (let index = 0; index < words.length; index++) {
      if (mask[index] !== value) continue;
      const pile = keyOf(words[index] as number) >>> halfBits;
      const before = ends[pile] as number;
      if (before === 0) touched.push(pile);
      ends[pile] = before + 1;
    }
    let total = 0;
    for (const pile of touched) {
      const size = ends[pile] as number;
      ends[pile] = total;
      total += size;
    }
    const halves = new Uint16Array(total);
    for (let index = 0; index < words.length; index++) {
      if (mask[index] !== value) continue;
      const key = keyOf(words[index] as number);
      const pile = key >>> halfBits;
      const place = ends[pile] as number;
      halves[place] = key & lowerHalf;
      ends[pile] = place + 1;
    }
    // Dealing has moved every position to the end of its pile.
    let start = 0;
    for (const pile of touched) {
      const end = ends[pile] as number;
      this.extend(pile, halves.subarray(start, end));
      ends[pile] = 0;
      start = end;
    }
  }

  /** The most distinct scores that a pile can hold, as far as is known without counting. */
  distinctBound(pile: number): number {
    return this.tables[pile] === undefined ? Math.min(this.sizes[pile] as number, halfSize) : halfSize;
  }

  /** How often each lower half is in a pile. To be given back before the next pile is taken, as the array is used again. */
  take(pile: number): Uint32Array {
    const table = this.tables[pile];
    if (table !== undefined) return table;
    tally(this.members(pile), this.spare);
    return this.spare;
  }

  giveBack(pile: number): void {
    const members = this.members(pile);
    for (let index = 0; index < members.length; index++) this.spare[members[index] as number] = 0;
  }

  /** Of a pile that is a list; none for others. */
  private members(pile: number): Uint16Array {
    return this.lists[pile]?.subarray(0, this.sizes[pile]) ?? none;
  }

  private extend(pile: number, halves: Uint16Array): void {
    const table = this.tables[pile];
    if (table !== undefined) {
      tally(halves, table);
      return;
    }
    const before = this.sizes[pile] as number;
    const size = before + halves.length;
    if (size >= tableWorth) {
      const counts = new Uint32Array(halfSize);
      tally(this.members(pile), counts);
      tally(halves, counts);
      this.tables[pile] = counts;
      this.lists[pile] = undefined;
      return;
    }
    let list = this.lists[pile];
    if (list === undefined || size > list.length) {
      const longer = new Uint16Array(Math.max(firstCapacity, 2 ** Math.ceil(Math.log2(size))));
      longer.set(this.members(pile));
      this.lists[pile] = list = longer;
    }
    list.set(halves, before);
    this.sizes[pile] = size;
  }
}

function tally(halves: Uint16Array, counts: Uint32Array): void {
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index] as number;
    counts[half] = (counts[half] as number) + 1;
  }
}
