/** The numbers of pixel-metrics.py, and the million pixels that it and the tests make for themselves. */
import { readFileSync } from "node:fs";
import type { PresetName } from "../../src/metrics/index.js";

type Metrics = Readonly<Record<"auroc" | "aupr" | "fpr95", number>>;

export interface PixelCase {
  readonly shift: number;
  readonly n_id: number;
  readonly n_ood: number;
  readonly distinct: number;
  readonly best_f1: { readonly threshold: number; readonly f1: number };
  readonly pooled: Readonly<Record<PresetName, Metrics>>;
  readonly per_image: Readonly<Record<PresetName, Metrics>>;
  readonly left_out: number;
}

interface Reference {
  readonly ends: readonly number[];
  readonly without_outliers: number;
  readonly pixels: readonly PixelCase[];
  readonly confusion: {
    readonly classes: number;
    readonly images: readonly { readonly predictions: readonly number[]; readonly labels: readonly number[] }[];
    readonly iou: readonly (number | null)[];
    readonly mean_iou: number;
    readonly pixel_accuracy: number;
    readonly n_pixels: number;
  };
  readonly components: {
    readonly images: readonly { readonly mask: readonly string[]; readonly score: readonly string[] }[];
    readonly labels: readonly number[];
    readonly count: number;
    readonly cases: readonly {
      readonly minimum: { readonly truth: number; readonly prediction: number };
      readonly scale: number;
      readonly threshold: number;
      readonly siou: number;
      readonly ppv: number;
      readonly f1: readonly number[];
      readonly f1_mean: number;
      readonly n_components: number;
      readonly n_predicted: number;
    }[];
  };
}

export const reference = JSON.parse(readFileSync(new URL("pixel-metrics.json", import.meta.url), "utf8")) as Reference;

export interface MaskedMap {
  readonly scores: Float32Array;
  readonly mask: Uint8Array;
}

/** A fixed, cheap sequence of 32-bit words. */
export function congruential(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

/** What `generated` in pixel-metrics.py makes. */
export function generated(shift: number): MaskedMap {
  const pixels = reference.ends.at(-1) as number;
  const scores = new Float32Array(pixels);
  const mask = new Uint8Array(pixels);
  const next = congruential(2023);
  const from = reference.ends[reference.without_outliers - 1] as number;
  const to = reference.ends[reference.without_outliers] as number;
  for (let index = 0; index < pixels; index++) {
    const kind = next() >>> 16;
    const known = kind < 1966 && (index < from || index >= to);
    mask[index] = known ? 1 : kind < 1966 || kind >= 9830 ? 0 : 255;
    const whole = (next() >>> 20) + (next() >>> 20) + (known ? 1200 : 0);
    scores[index] = ((whole >>> shift) - (4096 >>> shift)) / 256;
  }
  return { scores, mask };
}

/** The images that the script cuts the pixels into. */
export function imagesOf({ scores, mask }: MaskedMap): MaskedMap[] {
  return reference.ends.map((end, index) => {
    const start = reference.ends[index - 1] ?? 0;
    return { scores: scores.subarray(start, end), mask: mask.subarray(start, end) };
  });
}
