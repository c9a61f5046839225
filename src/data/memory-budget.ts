/** What was read and is kept, by index. */
export interface Store<Item> {
  get(index: number): Item | undefined;
  /** Keeps an item while memory is left; without effect where the index has one. */
  keep(index: number, item: Item): void;
}

/**
 * Memory that several datasets fill together. A process has many open at once: with a budget for each, the eight sets of an
 * evaluation could take eight times as much, which nobody who opens one of them can foresee.
 *
 * Items are kept as they come until the budget is used up, and never dropped for later ones: epochs visit all images alike, so
 * that making room would drop just what comes next. A dataset that nobody holds any more gives its memory back.
 */
export class MemoryBudget {
  #left: number;
  readonly #released = new FinalizationRegistry<{ readonly bytes: number }>(({ bytes }) => {
    this.#left += bytes;
  });

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** A dataset's share, empty at first. */
  store<Item>(bytesOf: (item: Item) => number): Store<Item> {
    const items = new Map<number, Item>();
    const used = { bytes: 0 };
    this.#released.register(items, used);
    return {
      get: (index) => items.get(index),
      keep: (index, item) => {
        const bytes = bytesOf(item);
        if (items.has(index) || bytes > this.#left) return;
        items.set(index, item);
        this.#left -= bytes;
        used.bytes += bytes;
      },
    };
  }
}

/** For decoded images and scenes: 174,000 images of 32x32, or 3,500 of 224x224. */
export const decodedImages = new MemoryBudget(2 ** 29);
