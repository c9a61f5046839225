import { expect, test } from "vitest";
import { columnScene } from "../../../test/data/segmentation.js";
import { createGenerator } from "../random.js";
import { augmentScene } from "./augment-scene.js";
import { voidLabel } from "./types.js";

const row = (values: Uint8Array, width: number, at: number): number[] => [
  ...values.subarray(at * width, (at + 1) * width),
];

test("the image and its labels move together, mirrored or not", () => {
  const seen = new Set<boolean>();
  for (let seed = 0; seed < 30; seed++) {
    const { image, labels } = augmentScene(columnScene(10, 20), createGenerator(seed), {
      crop: { height: 4, width: 8 },
    });
    expect(image.subarray(0, 32)).toEqual(labels);
    const [first = 0, second = 0] = labels;
    seen.add(second > first);
    const step = second > first ? 1 : -1;
    expect(row(labels, 8, 3)).toEqual(Array.from({ length: 8 }, (_, column) => first + step * column));
  }
  expect(seen.size).toBe(2);
});

test("every window comes up, up to the last row and column", () => {
  const starts = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const { labels } = augmentScene(columnScene(4, 12), createGenerator(seed), {
      crop: { height: 4, width: 8 },
      flip: 0,
    });
    starts.add(labels[0] as number);
  }
  expect([...starts].sort()).toEqual([0, 1, 2, 3, 4]);
});

test("a scene smaller than the window stands in the middle, on black and void", () => {
  const { image, labels } = augmentScene(columnScene(2, 4), createGenerator(1), {
    crop: { height: 5, width: 7 },
    flip: 0,
  });
  const empty = new Array(7).fill(voidLabel);
  expect(row(labels, 7, 0)).toEqual(empty);
  expect(row(labels, 7, 1)).toEqual([voidLabel, 0, 1, 2, 3, voidLabel, voidLabel]);
  expect(row(labels, 7, 2)).toEqual(row(labels, 7, 1));
  expect(row(labels, 7, 4)).toEqual(empty);
  expect(row(image, 7, 5)).toEqual(new Array(7).fill(0));
  expect(row(image, 7, 6)).toEqual([0, 9, 9, 9, 9, 0, 0]);
});

test("mirroring a padded scene mirrors its padding", () => {
  const crop = { height: 2, width: 7 };
  const plain = augmentScene(columnScene(2, 4), createGenerator(1), { crop, flip: 0 });
  const mirrored = augmentScene(columnScene(2, 4), createGenerator(1), { crop, flip: 1 });
  expect(row(mirrored.labels, 7, 0)).toEqual(row(plain.labels, 7, 0).reverse());
  expect(row(mirrored.image, 7, 1)).toEqual(row(plain.image, 7, 1).reverse());
});

test("a factor of two makes every label a block of four", () => {
  const { labels } = augmentScene(columnScene(3, 4), createGenerator(1), {
    crop: { height: 6, width: 8 },
    scales: [2],
    flip: 0,
  });
  expect(row(labels, 8, 5)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
});

test("factors come from the whole list, and from the whole range", () => {
  const widths = (scales: readonly number[] | { least: number; most: number }): number[] => {
    const found = Array.from({ length: 100 }, (_, seed) => {
      const crop = { height: 8, width: 40 };
      const { labels } = augmentScene(columnScene(8, 20), createGenerator(seed), { crop, scales, flip: 0 });
      return row(labels, 40, 4).filter((label) => label !== voidLabel).length;
    });
    return [...new Set(found)].sort((one, other) => one - other);
  };
  expect(widths([0.5, 1, 2])).toEqual([10, 20, 40]);
  const range = widths({ least: 0.5, most: 2 });
  expect(range.length).toBeGreaterThan(20);
  expect(range[0]).toBeGreaterThanOrEqual(10);
  expect(range.at(-1)).toBeLessThanOrEqual(40);
});

test.each([
  [{ scales: [] }, "scales of scenes: expected factors in (0, 16]"],
  [{ scales: [1, 0] }, "scales of scenes"],
  [{ scales: { least: 2, most: 1 } }, "scales of scenes"],
  [{ flip: 1.5 }, "probability of mirroring: expected 0 to 1, got 1.5"],
  [{ crop: { height: 0, width: 4 } }, "crop: expected a height and a width"],
])("%j is refused", (options, message) => {
  const crop = { height: 4, width: 4 };
  expect(() => augmentScene(columnScene(8, 8), createGenerator(1), { crop, ...options })).toThrow(message);
});
