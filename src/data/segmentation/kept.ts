/**
 * Keeps what was read, the first items as far as a budget of memory reaches: reading and decoding is dear, and training
 * comes back to the same images every epoch.
 *
 * @param read    may be called for several indices at once; two calls for one index may both read
 * @param bytes   memory that an item takes
 * @param budget  bytes
 */
export function keeping<Item>(
  read: (index: number) => Promise<Item>,
  bytes: (item: Item) => number,
  budget: number,
): (index: number) => Promise<Item> {
  const kept = new Map<number, Item>();
  let left = budget;
  return async (index) => {
    const known = kept.get(index);
    if (known !== undefined) return known;
    const item = await read(index);
    const size = bytes(item);
    if (!kept.has(index) && size <= left) {
      kept.set(index, item);
      left -= size;
    }
    return item;
  };
}
