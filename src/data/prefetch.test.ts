import { describe, expect, test } from "vitest";
import { prefetch } from "./prefetch.js";

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("prefetch", () => {
  test("keeps the order although later items are ready first", async () => {
    const items = prefetch(
      [30, 5, 20, 1],
      async (time) => {
        await pause(time);
        return time;
      },
      3,
    );
    expect(await collect(items)).toEqual([30, 5, 20, 1]);
  });

  test("prepares the next items while the current one is worked on, but no more than its depth", async () => {
    let started = 0;
    const items = prefetch(
      Array.from({ length: 10 }, (_, index) => index),
      async (index) => {
        started++;
        return index;
      },
      2,
    );
    for await (const index of items) {
      await pause(1);
      expect(started).toBe(Math.min(10, index + 3));
    }
  });

  test("fails where the broken item would have come, after those before it", async () => {
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      const items = prefetch(
        [1, 2, 3, 4],
        async (number) => {
          if (number === 3) throw new Error("image 3 is broken");
          await pause(5);
          return number;
        },
        4,
      );
      for await (const item of items) seen.push(item);
    };
    await expect(run()).rejects.toThrow("image 3 is broken");
    expect(seen).toEqual([1, 2]);
  });

  test("a failure that nobody waits for any more does not end the process", async () => {
    const items = prefetch([1, 2], async (number) => {
      if (number === 2) throw new Error("never looked at");
      return number;
    });
    for await (const item of items) {
      expect(item).toBe(1);
      break;
    }
    await pause(5);
  });

  test("stops when the loop is left: nothing new starts and nothing is still under way", async () => {
    let started = 0;
    let finished = 0;
    let closed = false;
    function* inputs(): Generator<number> {
      try {
        for (let index = 0; ; index++) yield index;
      } finally {
        closed = true;
      }
    }
    const items = prefetch(
      inputs(),
      async (index) => {
        started++;
        await pause(10);
        finished++;
        return index;
      },
      3,
    );
    for await (const index of items) if (index === 1) break;
    expect(finished).toBe(started);
    expect(closed).toBe(true);
    const before = started;
    await pause(20);
    expect(started).toBe(before);
  });

  test("of nothing is nothing", async () => {
    expect(await collect(prefetch([], async (item) => item))).toEqual([]);
  });
});
