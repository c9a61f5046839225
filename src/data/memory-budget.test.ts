import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { MemoryBudget } from "./memory-budget.js";

const lengthOf = ({ length }: Uint8Array): number => length;

test("stores fill one budget together, and what does not fit is not kept", () => {
  const budget = new MemoryBudget(100);
  const [one, other] = [budget.store(lengthOf), budget.store(lengthOf)];
  const [first, second] = [new Uint8Array(60), new Uint8Array(40)];
  one.keep(0, first);
  other.keep(0, new Uint8Array(41));
  other.keep(1, second);
  one.keep(1, new Uint8Array(1));
  expect([one.get(0), one.get(1), other.get(0), other.get(1)]).toEqual([first, undefined, undefined, second]);
});

test("an image that two readers decoded at the same time is counted once", () => {
  const budget = new MemoryBudget(100);
  const store = budget.store(lengthOf);
  store.keep(0, new Uint8Array(50));
  store.keep(0, new Uint8Array(50));
  store.keep(1, new Uint8Array(50));
  expect(store.get(1)).toHaveLength(50);
});

test("a store that nobody holds any more gives its memory back", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const budget = new MemoryBudget(100);
  budget.store(lengthOf).keep(0, new Uint8Array(100));
  const later = budget.store(lengthOf);
  later.keep(0, new Uint8Array(100));
  expect(later.get(0)).toBeUndefined();
  await expect
    .poll(() => {
      collect();
      later.keep(0, new Uint8Array(100));
      return later.get(0);
    })
    .toHaveLength(100);
});
