import { describe, expect, test } from "vitest";
import { parseDatasetOptions } from "./dataset-options.js";
import { parseDatasetSpec } from "./dataset-spec.js";
import { longTailSizes, selectImages } from "./selection.js";
import type { ImageSource } from "./types.js";

function source(labels: readonly number[] | undefined, classNames?: readonly string[], length = 10): ImageSource {
  return {
    length: labels?.length ?? length,
    ...(labels === undefined ? {} : { labels: Int32Array.from(labels) }),
    ...(classNames === undefined ? {} : { classNames }),
    decodes: false,
    pictures: () => Promise.reject(new Error("selection reads no image")),
    describe: String,
    hash: () => Promise.resolve(""),
  };
}

const select = (text: string, from: ImageSource): number[] => [
  ...selectImages(from, parseDatasetOptions(parseDatasetSpec(`x?${text}`), "folder"), "x"),
];
const labels = [0, 1, 2, 0, 1, 2, 0, 1, 2, 2];
const names = ["cat", "dog", "n01698640 American alligator"];

describe("classes", () => {
  test.each([
    ["include=cat", [0, 3, 6]],
    ["include=cat,1", [0, 1, 3, 4, 6, 7]],
    ["exclude=dog,n01698640", [0, 3, 6]],
    ["exclude=American alligator", [0, 1, 3, 4, 6, 7]],
    ["include=0,1&exclude=cat", [1, 4, 7]],
  ])("%s", (text, expected) => {
    expect(select(text, source(labels, names))).toEqual(expected);
  });

  test("a name that is a number goes before the index", () => {
    expect(select("include=1", source([0, 1, 1], ["1", "0"]))).toEqual([0]);
  });

  test("without names, indices do, the negative one too", () => {
    expect(select("exclude=-1", source([-1, 3, -1]))).toEqual([1]);
  });

  test("a long tail and a number per class leave out images of no class", () => {
    const some = [-1, 0, -1, 1, 0, 1, -1, -1];
    expect(select("per-class=1", source(some))).toEqual([1, 3]);
    expect(select("long-tail=exp:0.5", source(some))).toEqual([1, 3, 4]);
  });

  test.each(["include=cow", "exclude=3", "include=-1"])(
    "%s, which is no class, is refused with the classes",
    (text) => {
      expect(() => select(text, source(labels, names))).toThrow(
        "expected one of its classes (cat, dog, n01698640 American",
      );
    },
  );

  test("cannot be selected without labels", () => {
    expect(() => select("per-class=1", source(undefined))).toThrow(
      "cannot be selected, because the images have no labels",
    );
  });

  test("that leave nothing are refused", () => {
    expect(() => select("include=cat&exclude=cat", source(labels, names))).toThrow("its options leave no image");
  });
});

describe("numbers", () => {
  test("limit takes the first images, or with a seed random ones in order", () => {
    const large = source(undefined, undefined, 1000);
    expect(select("limit=3", large)).toEqual([0, 1, 2]);
    const sampled = select("limit=100&seed=4", large);
    expect(new Set(sampled).size).toBe(100);
    expect(sampled).toEqual([...sampled].sort((one, other) => one - other));
    expect(sampled.filter((index) => index < 500).length).toBeGreaterThan(30);
    expect(sampled.filter((index) => index < 500).length).toBeLessThan(70);
    expect(select("limit=100&seed=4", large)).toEqual(sampled);
    expect(select("limit=100&seed=5", large)).not.toEqual(sampled);
  });

  test("a limit beyond the end keeps everything", () => {
    expect(select("limit=99", source(labels))).toHaveLength(10);
  });

  test("per-class takes the first of each class, before limit", () => {
    expect(select("per-class=2", source(labels))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(select("per-class=2&limit=4", source(labels))).toEqual([0, 1, 2, 3]);
    expect(select("per-class=4", source(labels))).toHaveLength(10);
    expect(
      select("per-class=1&seed=1", source(labels))
        .map((index) => labels[index])
        .sort(),
    ).toEqual([0, 1, 2]);
  });
});

describe("long tail", () => {
  const even = (classes: number, each: number) =>
    new Map(Array.from({ length: classes }, (_, label) => [label, each] as const));
  const sizes = (classes: number, each: number, shape: "exp" | "step", ratio: number): number[] => [
    ...longTailSizes(even(classes, each), { shape, ratio }).values(),
  ];

  test("exp gives the published CIFAR-10-LT and CIFAR-100-LT", () => {
    expect(sizes(10, 5000, "exp", 0.01)).toEqual([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
    const hundred = sizes(100, 500, "exp", 0.01);
    expect([hundred[0], hundred[99], hundred.reduce((sum, size) => sum + size)]).toEqual([500, 5, 10_847]);
  });

  test("a size that is whole is not one less by the rounding of the power", () => {
    expect(sizes(3, 1000, "exp", 0.01)).toEqual([1000, 100, 10]);
    expect(sizes(4, 1000, "exp", 0.001)).toEqual([1000, 100, 10, 1]);
  });

  test("step cuts the second half of the classes", () => {
    expect(sizes(5, 100, "step", 0.1)).toEqual([100, 100, 10, 10, 10]);
  });

  test("one class keeps all, and a class with too few keeps what it has", () => {
    expect(sizes(1, 7, "exp", 0.01)).toEqual([7]);
    expect([
      ...longTailSizes(
        new Map([
          [0, 100],
          [1, 3],
        ]),
        { shape: "exp", ratio: 0.5 },
      ).values(),
    ]).toEqual([100, 3]);
  });

  test("counts the classes that are left, and takes first images in order", () => {
    expect(select("exclude=0&long-tail=exp:0.25", source(labels))).toEqual([1, 2, 4, 7]);
  });

  test("with a seed takes other images, as many", () => {
    const many = source(Array.from({ length: 400 }, (_, index) => index % 2));
    const first = select("long-tail=exp:0.1", many);
    const random = select("long-tail=exp:0.1&seed=1", many);
    expect(random).toHaveLength(220);
    expect(random).not.toEqual(first);
    expect(random.filter((index) => index % 2 === 1)).toHaveLength(20);
  });
});
