import { describe, expect, test } from "vitest";
import { bytes, columnScene, reference } from "../../../test/data/segmentation.js";
import { createGenerator } from "../random.js";
import { drawPlacement, pasteOutlier, placeOutlier, scaleObject } from "./paste.js";
import { type OutlierObject, outlierLabel } from "./types.js";

test.each(reference.pastes)(
  "scale $scale, feather $feather, at row $top, column $left: every byte is NumPy's",
  (item) => {
    const scene = { image: bytes(item.scene), labels: bytes(item.labels), height: 24, width: 32 };
    const object = { image: bytes(item.image), mask: bytes(item.mask), height: 13, width: 11 };
    const result = placeOutlier(scene, object, item, item.feather);
    expect(result.labels).toEqual(bytes(item.outLabels));
    expect(result.image).toEqual(bytes(item.outImage));
    expect(scene.image).toEqual(bytes(item.scene));
    expect(scene.labels).toEqual(bytes(item.labels));
  },
);

/** A plus sign of colour 200 within a frame of nothing. */
const plus: OutlierObject = {
  image: new Uint8Array(75).fill(200),
  mask: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
  height: 5,
  width: 5,
};

describe("a random place", () => {
  test("pixels beside the mask keep colour and label, those under it have the object's and 254", () => {
    const scene = columnScene(12, 15);
    const result = pasteOutlier(scene, plus, createGenerator(3), { scale: [1, 2.5], feather: 1 });
    const pasted = result.labels.reduce((sum, label) => sum + (label === outlierLabel ? 1 : 0), 0);
    expect(pasted).toBeGreaterThanOrEqual(5);
    result.labels.forEach((label, at) => {
      if (label === outlierLabel) expect(result.image[180 + at]).toBeGreaterThan(9);
      else {
        expect(label).toBe(scene.labels[at]);
        for (const plane of [0, 180, 360]) expect(result.image[plane + at]).toBe(scene.image[plane + at]);
      }
    });
  });

  test("every place where the mask's box fits comes up, borders included, and no other", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const { top, left } = drawPlacement({ height: 5, width: 6 }, plus, createGenerator(seed));
      seen.add(`${top} ${left}`);
    }
    // The box of the plus is 3 x 3: 3 rows times 4 columns.
    expect([...seen].sort()).toEqual([
      "0 0",
      "0 1",
      "0 2",
      "0 3",
      "1 0",
      "1 1",
      "1 2",
      "1 3",
      "2 0",
      "2 1",
      "2 2",
      "2 3",
    ]);
  });

  test("an object larger than the scene covers it, cut off at a random place", () => {
    const large = { image: new Uint8Array(300).fill(7), mask: new Uint8Array(100).fill(1), height: 10, width: 10 };
    const tops = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const scene = columnScene(8, 4);
      tops.add(drawPlacement(scene, large, createGenerator(seed)).top);
      expect(pasteOutlier(scene, large, createGenerator(seed)).labels.every((label) => label === outlierLabel)).toBe(
        true,
      );
    }
    expect([...tops].sort((one, other) => one - other)).toEqual([-2, -1, 0]);
  });

  test("the place does not depend on whether scaling is asked for: the draws are the same", () => {
    const plain = drawPlacement({ height: 50, width: 60 }, plus, createGenerator(5));
    const scaled = drawPlacement({ height: 50, width: 60 }, plus, createGenerator(5), { scale: [1, 1.01] });
    expect([scaled.top, scaled.left]).toEqual([plain.top, plain.left]);
    expect(plain.scale).toBe(1);
  });

  test("an object without pixels changes nothing", () => {
    const scene = columnScene(4, 4);
    const nothing = { ...plus, mask: new Uint8Array(25) };
    expect(pasteOutlier(scene, nothing, createGenerator(1))).toEqual(scene);
  });
});

test("scaling takes no colour from beside the mask", () => {
  // White all around, as cut-outs have it.
  const image = new Uint8Array(75).fill(255);
  for (const plane of [0, 25, 50]) for (const at of [7, 11, 12, 13, 17]) image[plane + at] = 100;
  const { image: colours, mask } = scaleObject({ ...plus, image }, 1.8);
  mask.forEach((inside, at) => {
    expect(colours[at]).toBe(inside === 1 ? 100 : 0);
  });
});

test.each([[[0, 1]], [[2, 1]], [[1, 17]], [[Number.NaN, 1]]])("a scale of %j is refused", (scale) => {
  const options = { scale: scale as [number, number] };
  expect(() => pasteOutlier(columnScene(4, 4), plus, createGenerator(1), options)).toThrow(
    "expected two factors in (0, 16]",
  );
});

test("a feather that is no number of pixels is refused", () => {
  const options = { feather: 0.5 };
  expect(() => pasteOutlier(columnScene(4, 4), plus, createGenerator(1), options)).toThrow(
    "expected an integer from 0",
  );
});
