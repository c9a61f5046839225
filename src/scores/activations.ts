/** What the scores that change the features before the last layer share. */
import { OptionError } from "../errors.js";
import { int } from "../onnx/types.js";
import { type Expr, first, greaterOrEqual, largest, reduceMin } from "../ops/index.js";
import { energy } from "./energy.js";
import type { Head } from "./types.js";

export type Percentile = {
  /** In [0, 100). */
  readonly percentile: number;
};

/** @throws OptionError unless the percentile is in [0, 100) */
export const checkPercentile =
  (score: string) =>
  ({ percentile }: Percentile): void => {
    if (percentile >= 0 && percentile < 100) return;
    throw new OptionError({
      where: `${score} score`,
      expected: "a percentile of at least 0 and below 100",
      received: String(percentile),
    });
  };

/** -log Σ_c exp(weight · features + bias)_c of features [N, D]; [N]. */
export function energyOf(features: Expr, { weight, bias, classes, dimension }: Head): Expr {
  const { builder } = features;
  const w = builder.constant({ dtype: "float32", dims: [classes, dimension], data: weight });
  const b = builder.constant({ dtype: "float32", dims: [classes], data: bias });
  return energy(first(builder.op("Gemm", [features, w, b], { transB: int(1) })));
}

/** How many activations lie above a percentile: D - round(D·p/100), halves to even as in NumPy; at least 1. */
export function countAbove({ percentile }: Percentile, dimension: number): number {
  const share = (dimension * percentile) / 100;
  const below = Math.floor(share);
  const half = share - below === 0.5;
  return Math.max(1, dimension - (half ? below + (below % 2) : Math.round(share)));
}

/** Which activations of each image are among its `count` largest, bool [N, D]; all that tie with the last one are. */
export function amongLargest(features: Expr, count: number): Expr {
  return greaterOrEqual(features, reduceMin(largest(features, count).values, { axes: [1], keep: true }));
}
