import type { Store } from "../memory-budget.js";

/**
 * Keeps what was read as far as the memory of a store reaches: reading and decoding is dear, and training comes back to the
 * same images every epoch.
 *
 * @param read  may be called for several indices at once; two calls for one index may both read
 */
export function keeping<Item>(
  read: (index: number) => Promise<Item>,
  store: Store<Item>,
): (index: number) => Promise<Item> {
  return async (index) => {
    const known = store.get(index);
    if (known !== undefined) return known;
    const item = await read(index);
    store.keep(index, item);
    return item;
  };
}
