import { expect, test } from "vitest";
import { headClasses, tailClasses } from "./class-ranks.js";

test("rare and frequent classes go by the number of images, not by the index", () => {
  expect(tailClasses([30, 2, 500, 9, 120], 0.4)).toEqual([3, 1]);
  expect(headClasses([30, 2, 500, 9, 120], 0.4)).toEqual([2, 4]);
});

test("the authors' cuts for CIFAR: classes 6 to 9 of 10, and 60 to 99 of 100", () => {
  const falling = (classes: number) => Array.from({ length: classes }, (_, index) => 1000 - index);
  expect(tailClasses(falling(10), 0.4)).toEqual([6, 7, 8, 9]);
  expect(tailClasses(falling(100), 0.4)).toEqual(Array.from({ length: 40 }, (_, index) => 60 + index));
});

test("of balanced classes the last are rare and the first frequent, so that the groups do not overlap", () => {
  expect(tailClasses([7, 7, 7, 7, 7], 0.4)).toEqual([3, 4]);
  expect(headClasses([7, 7, 7, 7, 7], 0.4)).toEqual([0, 1]);
});

test("a small share still leaves one class", () => {
  expect(tailClasses([3, 2, 1], 0.01)).toEqual([2]);
  expect(headClasses([3, 2, 1], 0.01)).toEqual([0]);
});
