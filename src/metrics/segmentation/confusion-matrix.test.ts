import fc from "fast-check";
import { expect, test } from "vitest";
import { reference } from "../../../test/reference/pixel-metrics.js";
import { DataError, OptionError, ShapeError } from "../../errors.js";
import { ConfusionMatrix } from "./confusion-matrix.js";

const { confusion } = reference;

function filled(): ConfusionMatrix {
  const matrix = new ConfusionMatrix(confusion.classes);
  for (const { predictions, labels } of confusion.images) {
    matrix.add(Int32Array.from(predictions), Uint8Array.from(labels));
  }
  return matrix;
}

test("IoU, mean IoU and accuracy equal NumPy's, without void and outlier pixels", () => {
  const matrix = filled();
  expect(matrix.total).toBe(confusion.n_pixels);
  expect([...matrix.classIou()]).toEqual(confusion.iou.map((value) => value ?? Number.NaN));
  expect(matrix.meanIou()).toBeCloseTo(confusion.mean_iou, 14);
  expect(matrix.pixelAccuracy()).toBe(confusion.pixel_accuracy);
});

test("a class in neither labels nor predictions is left out of the mean, one that is only predicted counts as 0", () => {
  const matrix = new ConfusionMatrix(4);
  matrix.add(Uint8Array.of(0, 0, 1, 3), Uint8Array.of(0, 0, 1, 1));
  expect([...matrix.classIou()]).toEqual([1, 0.5, Number.NaN, 0]);
  expect(matrix.meanIou()).toBe(0.5);
});

test("what is predicted at void and outlier pixels does not matter, even if it is no class", () => {
  const matrix = new ConfusionMatrix(2);
  matrix.add(Int32Array.of(1, -1, 77), Uint8Array.of(1, 254, 255));
  expect([...matrix.counts]).toEqual([0, 0, 0, 1]);
});

test("how pixels are spread over images does not change the counts", () => {
  const pixels = fc.array(fc.tuple(fc.nat(3), fc.constantFrom(0, 1, 2, 3, 254, 255)), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(pixels, fc.nat(50), (all, cut) => {
      const add = (matrix: ConfusionMatrix, part: typeof all) =>
        matrix.add(
          Uint8Array.from(part, ([p]) => p),
          Uint8Array.from(part, ([, label]) => label),
        );
      const [whole, cutUp] = [new ConfusionMatrix(4), new ConfusionMatrix(4)];
      add(whole, all);
      add(cutUp, all.slice(cut));
      add(cutUp, all.slice(0, cut));
      expect(cutUp.counts).toEqual(whole.counts);
    }),
  );
});

test("a label or a prediction outside the classes is refused with its place, and nothing of the image is counted", () => {
  const matrix = new ConfusionMatrix(3);
  expect(() => matrix.add(Uint8Array.of(0, 1), Uint8Array.of(0, 3), "val/7.png")).toThrow(
    "val/7.png, label of pixel 1: expected a class in [0, 2], 254 or 255, got 3; the model and the labels must have the same classes",
  );
  expect(() => matrix.add(Int32Array.of(0, -1), Uint8Array.of(0, 2))).toThrow(
    "image 0, prediction of pixel 1: expected a class in [0, 2], got -1; the model and the labels must have the same classes",
  );
  expect(() => matrix.add(Uint8Array.of(0), Uint8Array.of(0, 2))).toThrow(ShapeError);
  expect(matrix.total).toBe(0);
});

test("without a pixel there is no mean; 0 and 255 classes are refused", () => {
  const matrix = new ConfusionMatrix(2);
  expect(() => matrix.meanIou()).toThrow(DataError);
  matrix.add(Uint8Array.of(0), Uint8Array.of(255));
  expect(() => matrix.pixelAccuracy()).toThrow(
    "expected a pixel labelled with a class, got none; all are void or outliers",
  );
  for (const classes of [0, 1.5, 255]) expect(() => new ConfusionMatrix(classes)).toThrow(OptionError);
});
