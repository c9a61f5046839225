import fc from "fast-check";
import { expect, test } from "vitest";
import { reference } from "../../../test/reference/pixel-metrics.js";
import { ShapeError } from "../../errors.js";
import { connectedComponents } from "./connected-components.js";

const picture = (...rows: readonly string[]) => Uint8Array.from(rows.join(""), (pixel) => Number(pixel !== "."));

test("components and their numbers are those of scipy.ndimage.label", () => {
  const { images, labels, count } = reference.components;
  const mask = images[0]?.mask ?? [];
  const pixels = Uint8Array.from(mask.join(""), (kind) => Number(kind === "1"));
  const found = connectedComponents(pixels, mask[0]?.length ?? 0);
  expect(found.count).toBe(count);
  expect([...found.labels]).toEqual(labels);
});

test("pixels that touch at a corner belong together, those on either edge of the image do not", () => {
  expect(connectedComponents(picture("#..#", ".#..", "..#.", "#..#"), 4).count).toBe(3);
  expect(connectedComponents(picture("...#", "#..."), 4).count).toBe(2);
});

test("arms that meet only further down are one component, with the number of the first pixel", () => {
  const { labels, sizes } = connectedComponents(picture("#.#.#", "#.#.#", "#.###", "###.."), 5);
  expect([...labels]).toEqual([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0]);
  expect([...sizes]).toEqual([7, 13]);
});

/** Fills one component after the other. */
function flooded(pixels: Uint8Array, width: number): number[] {
  const labels = Array.from(pixels, () => 0);
  let count = 0;
  pixels.forEach((pixel, start) => {
    if (pixel === 0 || labels[start] !== 0) return;
    count++;
    const open = [start];
    while (open.length > 0) {
      const at = open.pop() as number;
      if (pixels[at] !== 1 || labels[at] !== 0) continue;
      labels[at] = count;
      for (const down of [-1, 0, 1]) {
        for (const right of [-1, 0, 1]) {
          const column = (at % width) + right;
          const next = at + down * width + right;
          if (column >= 0 && column < width && next >= 0 && next < pixels.length) open.push(next);
        }
      }
    }
  });
  return labels;
}

test("equals a flood fill on any picture", () => {
  const pictures = fc
    .integer({ min: 1, max: 12 })
    .chain((width) =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.array(fc.nat(1), { minLength: width, maxLength: width }), { maxLength: 12 }),
      ),
    );
  fc.assert(
    fc.property(pictures, ([width, rows]) => {
      const pixels = Uint8Array.from(rows.flat());
      const { labels, count, sizes } = connectedComponents(pixels, width);
      const expected = flooded(pixels, width);
      expect([...labels]).toEqual(expected);
      expect([...sizes]).toEqual(
        Array.from({ length: count + 1 }, (_, label) => expected.filter((found) => found === label).length),
      );
    }),
    { numRuns: 500 },
  );
});

test("as many components as fit do not overflow the labels", () => {
  const width = 101;
  const pixels = Uint8Array.from({ length: width * 51 }, (_, at) =>
    Number((at % width) % 2 === 0 && Math.floor(at / width) % 2 === 0),
  );
  expect(connectedComponents(pixels, width).count).toBe(51 * 26);
});

test.each([0, 2.5, 4])("rows of %s pixels are refused for 6 pixels", (width) => {
  expect(() => connectedComponents(new Uint8Array(6), width)).toThrow(ShapeError);
});
