import { describe, expect, test } from "vitest";
import { augment } from "../augment.js";
import { createGenerator } from "../random.js";
import type { ImageBatch } from "../types.js";
import {
  type AugmentationName,
  augmentations,
  colorJitter,
  composeAugmentations,
  cutmix,
  grayscale,
  mixup,
  randAugmentLite,
} from "./index.js";
import { randAugmentOperations } from "./rand-augment-lite.js";

const generator = createGenerator(5);
const shape = [3, 8, 8] as const;
const size = 3 * 8 * 8;
const images = (count: number, seed = 1): ImageBatch & { data: Uint8Array } => {
  const random = createGenerator(seed);
  return { data: Uint8Array.from({ length: count * size }, () => random.integer(256)), count, shape };
};
const image = ({ data }: ImageBatch, index: number) => [...data.subarray(index * size, (index + 1) * size)];

const names = Object.keys(augmentations) as AugmentationName[];

describe.each(names)("%s", (name) => {
  test("gives the same bits for the same generator, others for another, and leaves its input alone", () => {
    const batch = images(16);
    const before = batch.data.slice();
    const once = augmentations[name](batch, createGenerator(5));
    expect(augmentations[name](batch, createGenerator(5))).toEqual(once);
    expect(augmentations[name](batch, createGenerator(6)).data).not.toEqual(once.data);
    expect(batch.data).toEqual(before);
  });
});

test.each(names.filter((name) => name !== "crop-flip"))(
  "%s does to an image what it does alone, whatever else is in the batch",
  (name) => {
    const many = augmentations[name](images(16), generator);
    const first = augmentations[name]({ ...images(16), data: images(16).data.slice(0, 2 * size), count: 2 }, generator);
    expect(image(first, 1)).toEqual(image(many, 1));
  },
);

test.each([
  ["color jitter", colorJitter({ probability: 0.8 }), 0.8],
  ["grayscale", grayscale(0.2), 0.2],
])("%s changes the share of images that it should", (_, augmentation, share) => {
  const batch = images(4000);
  const changed = augmentation(batch, generator);
  let count = 0;
  for (let index = 0; index < batch.count; index++) {
    const start = index * size;
    if (batch.data.subarray(start, start + size).some((value, at) => value !== changed.data[start + at])) count++;
  }
  expect(count / batch.count).toBeCloseTo(share, 1);
  expect(Math.abs(count / batch.count - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / batch.count));
});

test("a jitter of nothing but brightness 0 to 2 reaches both ends and keeps grey grey", () => {
  const grey: ImageBatch = { data: new Uint8Array(400 * size).fill(100), count: 400, shape };
  const jitter = colorJitter({ brightness: 1, contrast: 0, saturation: 0, hue: 0, probability: 1 });
  const levels = Array.from({ length: 400 }, (_, index) => jitter(grey, generator).data[index * size] as number);
  expect(Math.min(...levels)).toBeLessThan(5);
  expect(Math.max(...levels)).toBeGreaterThan(195);
  expect(Math.max(...levels)).toBeLessThanOrEqual(200);
});

test("RandAugment-lite draws every operation, and none of them at magnitude 0 changes an image but the mirroring", () => {
  expect(randAugmentOperations).toHaveLength(12);
  const batch = images(600);
  const still = randAugmentLite({ operations: 1, magnitude: 0 })(batch, generator);
  const changed = Array.from({ length: 600 }, (_, index) => index).filter(
    (index) => image(still, index).join() !== image(batch, index).join(),
  );
  // Solarize at magnitude 0 inverts only what is 255, which turns 0.
  const mirrored = changed.filter((index) => image(batch, index)[0] === image(still, index)[7]);
  expect(mirrored.length / 600).toBeCloseTo(1 / 12, 1);
  for (const index of changed.filter((at) => !mirrored.includes(at))) {
    const different = image(batch, index).filter((value, at) => value !== image(still, index)[at]);
    expect(new Set(different)).toEqual(new Set([255]));
  }
});

test.each([
  [{ magnitude: 31 }, "RandAugment magnitude: expected a whole number from 0 to 30, got 31"],
  [{ magnitude: 1.5 }, "got 1.5"],
  [{ operations: -1 }, "RandAugment operations: expected a whole number of at least 0, got -1"],
])("RandAugment-lite with %o is refused", (options, message) => {
  expect(() => randAugmentLite(options)).toThrow(message);
});

test("floats and grey images are refused where operations are defined on bytes of three channels", () => {
  const floats: ImageBatch = { data: new Float32Array(size), count: 1, shape };
  expect(() => augmentations["color-jitter"](floats, generator)).toThrow(
    "color jitter: expected images of 3 channels, in bytes, got 3 channels, in floats",
  );
  const grey: ImageBatch = { data: new Uint8Array(64), count: 1, shape: [1, 8, 8] };
  expect(() => augmentations.grayscale(grey, generator)).toThrow("got 1 channels, in bytes");
});

describe("a list of augmentations", () => {
  test("applies them in order, each with numbers of its own, crop-flip with those that it takes alone", () => {
    const batch = images(8);
    const both = composeAugmentations(["crop-flip", "grayscale"])(batch, createGenerator(5));
    const step = augment(batch, createGenerator(5));
    expect(both).toEqual(augmentations.grayscale(step, generator.fork("grayscale")));
  });

  test("may be empty, and holds nothing twice", () => {
    expect(composeAugmentations([])(images(1), generator)).toEqual(images(1));
    expect(() => composeAugmentations(["grayscale", "crop-flip", "grayscale"])).toThrow('got "grayscale" twice');
  });
});

describe("mixup", () => {
  const labels = Int32Array.of(4, 5, 6, 7);
  const batch = images(4);
  const mixed = mixup({ batch, labels, alpha: 0.7, generator });

  test("adds up each image and its partner by lambda, in [0, 1]", () => {
    const { lambda, partners } = mixed;
    expect(lambda).toBeGreaterThan(0);
    expect(lambda).toBeLessThan(1);
    for (let index = 0; index < 4; index++) {
      const partner = labels.indexOf(partners[index] as number);
      const expected = image(batch, index).map(
        (value, at) => (lambda * value + (1 - lambda) * (image(batch, partner)[at] as number)) / 255,
      );
      image(mixed.batch, index).forEach((value, at) => {
        expect(value).toBeCloseTo(expected[at] as number, 6);
      });
    }
  });

  test("pairs every image with one of the batch, and leaves labels as they are", () => {
    expect(mixed.labels).toEqual(labels);
    expect([...mixed.partners].sort()).toEqual([...labels]);
  });

  test("treats bytes and the same images as floats alike", () => {
    const floats = { ...batch, data: Float32Array.from(batch.data, (value) => value / 255) };
    mixup({ batch: floats, labels, alpha: 0.7, generator }).batch.data.forEach((value, at) => {
      expect(value).toBeCloseTo(mixed.batch.data[at] as number, 6);
    });
  });

  test("needs a label for each image", () => {
    expect(() => mixup({ batch, labels: labels.slice(1), generator })).toThrow("mixup: expected 4 labels");
  });
});

describe("cutmix", () => {
  const count = 200;
  const foreground: ImageBatch = { data: new Uint8Array(count * size).fill(200), count, shape };
  const background: ImageBatch = { data: new Uint8Array(count * size).fill(10), count, shape };

  test("pastes one box of the foreground, alike in all channels, whose share it tells", () => {
    const { batch, foregroundShare } = cutmix({ foreground, background, generator });
    for (let index = 0; index < count; index++) {
      const red = image(batch, index).slice(0, 64);
      expect(image(batch, index)).toEqual([...red, ...red, ...red]);
      const inside = red.flatMap((value, at) => (value === 200 ? [at] : []));
      expect(inside.length / 64).toBeCloseTo(foregroundShare[index] as number, 6);
      const rows = new Set(inside.map((at) => at >> 3));
      const columns = new Set(inside.map((at) => at & 7));
      expect(rows.size * columns.size).toBe(inside.length);
    }
    expect(background.data.every((value) => value === 10)).toBe(true);
  });

  test("takes the box from where it pastes it", () => {
    const gradient = { ...foreground, data: Uint8Array.from({ length: count * size }, (_, at) => 100 + (at % 64)) };
    const { batch } = cutmix({ foreground: gradient, background, generator });
    batch.data.forEach((value, at) => {
      if (value !== 10) expect(value).toBe(100 + (at % 64));
    });
  });

  test("takes boxes of half the image at other places for other images where alpha is large", () => {
    const { foregroundShare } = cutmix({ foreground, background, alpha: 5000, generator });
    // Lambda is near 1/2: sides of int(8 * sqrt(1/2)) = 5, halved and rounded to 2 on either side, cut off at the border.
    expect(Math.max(...foregroundShare)).toBeLessThanOrEqual(16 / 64);
    expect(new Set(foregroundShare).size).toBeGreaterThan(3);
  });

  test("refuses batches that do not fit each other", () => {
    expect(() => cutmix({ foreground, background: images(3), generator })).toThrow(
      "cutmix: expected a background for each foreground: 200 images of 3 x 8 x 8 in bytes, got 3 images of 3 x 8 x 8 in bytes",
    );
  });
});
