import { describe, expect, test } from "vitest";
import { augment } from "./augment.js";
import { createGenerator, type Generator } from "./random.js";

/** A generator that gives the numbers listed. */
function scripted(numbers: readonly number[]): Generator {
  const left = [...numbers];
  return {
    ...createGenerator(0),
    integer: (n) => {
      const value = left.shift() as number;
      expect(value).toBeLessThan(n);
      return value;
    },
  };
}

/** Pads, cuts and mirrors by the book, one pixel at a time. */
function slowly(image: ArrayLike<number>, size: number, top: number, left: number, mirrored: boolean): number[] {
  return Array.from({ length: size * size }, (_, at) => {
    const row = Math.floor(at / size) + top - 4;
    const column = (mirrored ? size - 1 - (at % size) : at % size) + left - 4;
    const inside = row >= 0 && row < size && column >= 0 && column < size;
    return inside ? (image[row * size + column] as number) : 0;
  });
}

const image = Uint8Array.from({ length: 36 }, (_, at) => at + 1);

describe("one image", () => {
  test.each([
    [4, 4, 0],
    [4, 4, 1],
    [0, 0, 0],
    [8, 8, 1],
    [0, 8, 1],
    [7, 2, 0],
    [3, 6, 1],
  ])("top %i, left %i, mirrored %i: as padding, cropping and mirroring one after the other", (top, left, mirrored) => {
    const { data } = augment({ data: image, count: 1, shape: [1, 6, 6] }, scripted([top, left, mirrored]));
    expect([...data]).toEqual(slowly(image, 6, top, left, mirrored === 1));
  });

  test("the channels of an image move together, images apart", () => {
    const twice = Uint8Array.from([...image, ...image, ...image, ...image]);
    const { data } = augment({ data: twice, count: 2, shape: [2, 6, 6] }, scripted([1, 2, 1, 6, 5, 0]));
    const one = slowly(image, 6, 1, 2, true);
    const two = slowly(image, 6, 6, 5, false);
    expect([...data]).toEqual([...one, ...one, ...two, ...two]);
  });

  test("smaller than the padding, it may move out of sight", () => {
    const batch = { data: Uint8Array.of(9), count: 1, shape: [1, 1, 1] as const };
    expect([...augment(batch, scripted([0, 0, 0])).data]).toEqual([0]);
    expect([...augment(batch, scripted([4, 4, 1])).data]).toEqual([9]);
  });
});

test("the batch given is left alone, and floats stay floats", () => {
  const data = Float32Array.from(image, (value) => value / 64);
  const before = data.slice();
  const result = augment({ data, count: 1, shape: [1, 6, 6] }, createGenerator(1));
  expect(result.data).toBeInstanceOf(Float32Array);
  expect(data).toEqual(before);
});

test("all 81 places and both directions occur, equally often", () => {
  const count = 16_200;
  // A single bright pixel in the middle shows where an image went; two would show the direction.
  const data = new Uint8Array(count * 121);
  for (let at = 0; at < count; at++) data.set([1, 2], at * 121 + 5 * 11 + 5);
  const moved = augment({ data, count, shape: [1, 11, 11] }, createGenerator(7)).data;
  const places = new Map<string, number>();
  for (let at = 0; at < count; at++) {
    const one = moved.subarray(at * 121, (at + 1) * 121);
    const first = one.indexOf(1);
    const second = one.indexOf(2);
    places.set(`${first} ${second}`, (places.get(`${first} ${second}`) ?? 0) + 1);
  }
  expect(places.size).toBe(162);
  // 100 are expected of each, with a standard deviation of 10.
  expect(Math.min(...places.values())).toBeGreaterThan(60);
  expect(Math.max(...places.values())).toBeLessThan(145);
});

test("the same generator gives the same images", () => {
  const batch = { data: Uint8Array.from({ length: 4 * 36 }, (_, at) => at), count: 4, shape: [1, 6, 6] as const };
  expect(augment(batch, createGenerator(3).fork(1))).toEqual(augment(batch, createGenerator(3).fork(1)));
  expect(augment(batch, createGenerator(3).fork(1))).not.toEqual(augment(batch, createGenerator(3).fork(2)));
});
