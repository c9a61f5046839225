import { expect, test } from "vitest";
import { DataError, ShapeError } from "../errors.js";
import { accuracy, accuracyByClass, accuracyByGroup, argmax } from "./accuracy.js";
import { shotGroups } from "./shot-groups.js";

test("argmax takes the first of several largest logits, negative ones too", () => {
  const logits = Float32Array.of(1, 3, 3, /**/ -5, -4, -9, /**/ 2, 2, 2, /**/ -Infinity, -Infinity, 0);
  expect(Array.from(argmax(logits, 3))).toEqual([1, 1, 0, 2]);
});

test("argmax refuses NaN, which would win or lose silently, and rows that are not whole", () => {
  expect(() => argmax(Float32Array.of(0, 1, 2, Number.NaN), 2)).toThrow(/^logits of image 1: .*NaN for class 1/);
  expect(() => argmax(Float32Array.of(0, 1, 2), 2)).toThrow(ShapeError);
  expect(() => argmax(Float32Array.of(0, 1, 2), 0)).toThrow(ShapeError);
});

test("accuracy is the share of equal entries", () => {
  expect(accuracy(Int32Array.of(0, 1, 2, 2), Int32Array.of(0, 1, 1, 2))).toBe(0.75);
  expect(() => accuracy([0], [0, 1])).toThrow(ShapeError);
  expect(() => accuracy([], [])).toThrow(DataError);
});

test("accuracy by class counts the images of the class, not the predictions for it", () => {
  const byClass = accuracyByClass(Int32Array.of(0, 0, 0, 1, 1), Int32Array.of(0, 0, 1, 1, 1), 3);
  expect(Array.from(byClass)).toEqual([1, 2 / 3, Number.NaN]);
});

test.each([-1, 3, 0.5])("label %s is refused for three classes", (label) => {
  expect(() => accuracyByClass([0, 0], [0, label], 3)).toThrow(/^label of image 1: expected a class in \[0, 2\]/);
});

test("accuracy by group is the mean over its classes, however many images each has, without classes that have none", () => {
  const groups = { many: [0, 1], medium: [2, 3], few: [4] };
  const byClass = Float64Array.of(1, 0.5, 0.25, Number.NaN, Number.NaN);
  expect(accuracyByGroup(byClass, groups)).toEqual({ many: 0.75, medium: 0.25, few: Number.NaN });
});

test("ten long-tailed classes are 3 many-shot, 4 medium-shot and 3 few-shot", () => {
  expect(shotGroups([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])).toEqual({
    many: [0, 1, 2],
    medium: [3, 4, 5, 6],
    few: [7, 8, 9],
  });
});

test("groups follow the counts, not the order of the classes, and classes of one size are of one group", () => {
  expect(shotGroups(Int32Array.of(1, 9, 5, 5, 5, 7))).toEqual({ many: [1, 5], medium: [2, 3, 4], few: [0] });
  expect(shotGroups(new Int32Array(10).fill(500))).toEqual({
    many: [],
    medium: Array.from({ length: 10 }, (_, label) => label),
    few: [],
  });
});

test("long-tailed CIFAR-100 has 34, 34 and 32 classes", () => {
  const counts = Array.from({ length: 100 }, (_, label) => Math.trunc(500 * 0.01 ** (label / 99)));
  const { many, medium, few } = shotGroups(counts);
  expect([many.length, medium.length, few.length]).toEqual([34, 34, 32]);
  expect([many.at(-1), medium.at(-1), few[0]]).toEqual([33, 67, 68]);
});

test("more than 100 classes go by fixed numbers of images", () => {
  const counts = [...new Array<number>(101).fill(20), 101, 100, 19];
  expect(shotGroups(counts)).toMatchObject({ many: [101], few: [103] });
});

test("class counts that are no counts are refused", () => {
  expect(() => shotGroups([])).toThrow(DataError);
  expect(() => shotGroups([3, -1])).toThrow(/got -1 for class 1/);
  expect(() => shotGroups([3, 1.5])).toThrow(DataError);
});
