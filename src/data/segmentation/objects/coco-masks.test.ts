import { describe, expect, test } from "vitest";
import { reference, unpackBits } from "../../../../test/data/segmentation.js";
import { addSegmentation, type CocoSegmentation, unpackRuns } from "./coco-masks.js";

function draw(height: number, width: number, ...segmentations: readonly CocoSegmentation[]): Uint8Array {
  const mask = new Uint8Array(height * width);
  for (const segmentation of segmentations) addSegmentation(mask, segmentation, { height, width }, "a.json");
  return mask;
}

describe("run lengths", () => {
  test.each(reference.runs)("of a mask of $height x $width, in a list and packed, give NumPy's mask", (item) => {
    const size = [item.height, item.width];
    const expected = unpackBits(item.mask, item.height * item.width);
    expect(unpackRuns(item.packed, "x")).toEqual(item.runs);
    expect(draw(item.height, item.width, { size, counts: item.runs })).toEqual(expected);
    expect(draw(item.height, item.width, { size, counts: item.packed })).toEqual(expected);
  });

  test.each<[string, CocoSegmentation, string]>([
    [
      "of another size",
      { size: [3, 2], counts: [6] },
      "expected run lengths for 2 x 3 pixels, as the image has, got 3 x 2",
    ],
    ["too short", { size: [2, 3], counts: [1, 2] }, "expected run lengths that add up to 6 pixels, got 3"],
    ["too long", { size: [2, 3], counts: [1, 6] }, "got 7"],
    ["negative", { size: [2, 3], counts: [7, -1] }, "got something that is no length"],
    ["packed with other characters", { size: [2, 3], counts: "6\u007f" }, "damaged at character 1"],
    ["cut off within a number", { size: [2, 3], counts: "6P" }, "end within a number"],
    ["of endless digits", { size: [2, 3], counts: "PPPPPPPPPPPPPPP" }, "damaged at character 7"],
  ])("%s are refused", (_, segmentation, message) => {
    expect(() => draw(2, 3, segmentation)).toThrow(message);
  });
});

describe("polygons", () => {
  test.each(reference.polygons)("$points in $height x $width fill the pixels of the COCO rule in NumPy", (item) => {
    const expected = unpackBits(item.mask, item.height * item.width);
    expect(draw(item.height, item.width, [item.points])).toEqual(expected);
  });

  test("a box of whole pixels fills exactly those", () => {
    const mask = draw(4, 5, [[1, 1, 1, 3, 4, 3, 4, 1]]);
    expect([...mask]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  test("several polygons, and several annotations, add up: an overlap is no hole", () => {
    const one = [0, 0, 0, 3, 3, 3, 3, 0];
    const other = [1, 1, 1, 4, 4, 4, 4, 1];
    const united = draw(4, 4, [one, other]);
    expect(united).toEqual(draw(4, 4, [one], [other]));
    expect(united.reduce((sum, value) => sum + value)).toBe(14);
  });

  test.each([[[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]]])("%j is refused", (polygon) => {
    expect(() => draw(4, 4, [polygon])).toThrow(/expected polygons of at least three points x, y, got \d numbers/);
  });
});
