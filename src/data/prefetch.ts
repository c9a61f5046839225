/**
 * Prepares the next items (reading, decoding, augmenting) while the current one is worked on, and hands them out in
 * order.
 *
 * At most `depth` items are in preparation or waiting. The first failure, in order, is thrown where its item would have
 * come. Leaving the loop early (break, return, throw) starts nothing new and waits for what is under way, so that
 * nothing of it outlives the loop.
 *
 * @param inputs   what to prepare from, taken one by one as there is room
 * @param prepare  may run up to `depth` times at once
 * @param depth    items ahead; default 2
 */
export async function* prefetch<Input, Output>(
  inputs: Iterable<Input>,
  prepare: (input: Input) => Promise<Output>,
  depth = 2,
): AsyncGenerator<Output, void, undefined> {
  const source = inputs[Symbol.iterator]();
  const waiting: Promise<Output>[] = [];
  let exhausted = false;
  const fill = (): void => {
    while (!exhausted && waiting.length < depth) {
      const next = source.next();
      if (next.done === true) exhausted = true;
      else {
        const preparation = (async () => prepare(next.value))();
        // Its failure is thrown when its turn comes; until then it must not count as unhandled.
        preparation.catch(() => undefined);
        waiting.push(preparation);
      }
    }
  };
  try {
    fill();
    for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) {
      const item = await first;
      fill();
      yield item;
    }
  } finally {
    await Promise.allSettled(waiting);
    if (!exhausted) source.return?.();
  }
}
