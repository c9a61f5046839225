import { expect, test } from "vitest";
import { viewDataset } from "./dataset.js";
import { MemoryBudget } from "./memory-budget.js";
import type { ImageSource } from "./types.js";

/** Large pictures of one number each, told how many are asked for at once. */
function photographs(count: number, asked: (pictures: number) => void): ImageSource {
  return {
    length: count,
    decodes: true,
    pictures: async (indices) => {
      asked(indices.length);
      return Array.from(indices, (index) => ({ data: new Uint8Array(3 * 64 * 64).fill(index), shape: [3, 64, 64] }));
    },
    describe: (index) => `photograph ${index}`,
    hash: async () => "",
  };
}

test("few photographs are decoded at once, however many are asked for", async () => {
  const asked: number[] = [];
  const source = photographs(50, (pictures) => asked.push(pictures));
  const selection = Int32Array.from({ length: 50 }, (_, index) => index);
  const dataset = await viewDataset({
    ...{ spec: "photographs", name: "photographs", source, selection, withLabels: false },
    ...{ shape: [3, 4, 4], resize: "stretch" },
  });
  const { data } = await dataset.read([...selection]);
  expect(Math.max(...asked)).toBeLessThanOrEqual(8);
  expect(asked.reduce((sum, pictures) => sum + pictures)).toBe(50);
  expect([...selection].map((index) => data[index * 48])).toEqual([...selection]);
});

test("datasets keep images in memory together, so that many open ones take no more than one", async () => {
  const memory = new MemoryBudget(3 * 48);
  const asked = [0, 0];
  const open = (number: 0 | 1) =>
    viewDataset(
      {
        ...{ spec: "photographs", name: "photographs", selection: Int32Array.of(0, 1), withLabels: false },
        ...{ shape: [3, 4, 4], resize: "stretch" },
        source: photographs(2, (pictures) => {
          asked[number] = (asked[number] as number) + pictures;
        }),
      },
      memory,
    );
  const [one, other] = [await open(0), await open(1)];
  for (let epoch = 0; epoch < 3; epoch++) {
    await one.read([0, 1]);
    await other.read([0, 1]);
  }
  // Three images fit: one of the four is decoded anew in every epoch.
  expect(asked).toEqual([2, 4]);
});
