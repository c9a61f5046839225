import { describe, expect, test } from "vitest";
import { generated, imagesOf, reference } from "../../../test/reference/pixel-metrics.js";
import { DataError } from "../../errors.js";
import { type PresetName, presets } from "../presets.js";
import { PerImageMetrics } from "./per-image-metrics.js";

describe.each(reference.pixels)("a million pixels of $distinct different scores", (example) => {
  const images = imagesOf(generated(example.shift));

  test.each(Object.keys(presets) as PresetName[])("%s: the means over images equal scikit-learn's", (preset) => {
    const metrics = new PerImageMetrics({ preset });
    const left = images.map(({ scores, mask }) => metrics.add(scores, mask) === undefined);
    expect(left.indexOf(true)).toBe(reference.without_outliers);
    const mean = metrics.mean();
    const expected = example.per_image[preset];
    for (const name of ["auroc", "aupr", "fpr95"] as const) {
      expect(Math.abs(mean[name] - expected[name])).toBeLessThan(1e-12);
    }
    expect(mean.n_images).toBe(images.length - 1);
    expect(mean.n_left_out).toBe(example.left_out);
  });
});

test("an image counts as much as any other, however many outlier pixels it has", () => {
  const metrics = new PerImageMetrics({ preset: "official" });
  metrics.add(Float32Array.of(0, 1), Uint8Array.of(0, 1));
  metrics.add(Float32Array.of(1, 0, 0, 0), Uint8Array.of(0, 1, 1, 1));
  expect(metrics.mean().auroc).toBe(0.5);
});

test("images that have only one kind alone cannot be averaged", () => {
  const metrics = new PerImageMetrics({ preset: "official" });
  expect(() => metrics.mean()).toThrow(DataError);
  expect(metrics.add(Float32Array.of(1), Uint8Array.of(1))).toBeUndefined();
  expect(metrics.add(Float32Array.of(1), Uint8Array.of(255))).toBeUndefined();
  expect(() => metrics.mean()).toThrow(
    "metrics per image: expected an image with in-distribution and outlier pixels, got 2 with one kind only",
  );
});

test("an image left out still counts in the names of those after it", () => {
  const metrics = new PerImageMetrics({ preset: "official" });
  metrics.add(Float32Array.of(1), Uint8Array.of(1));
  expect(() => metrics.add(Float32Array.of(Number.NaN), Uint8Array.of(1))).toThrow("image 1: expected finite scores");
});
