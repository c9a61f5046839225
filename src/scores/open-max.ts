import { DataError, OptionError } from "../errors.js";
import { int } from "../onnx/types.js";
import {
  add,
  concat,
  div,
  type Expr,
  exp,
  gather,
  greater,
  largest,
  matMul,
  mean,
  mul,
  neg,
  oneHot,
  pow,
  relu,
  scalar,
  softmax,
  square,
  sub,
  sum,
  tensorOf,
  transposeLast,
  where,
} from "../ops/index.js";
import type { FitData } from "./fit/fit-data.js";
import { images } from "./fit/rows.js";
import { fitWeibull } from "./fit/weibull.js";
import { fittedTensor, predictedClass } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

const name = "openmax score";

type OpenMaxOptions = {
  /** Largest distances of each class that its Weibull distribution is fitted to, ≥ 3; all where there are fewer. */
  readonly tail: number;
  /** Classes with the largest logits that are revised, at most K; 0 for all. */
  readonly alpha: number;
};

/**
 * OpenMax, the probability of an unknown class to which the others give up part of their logits,
 *
 *   s(x) = softmax([f_1 - g_1, ..., f_K - g_K, Σ_c g_c])_{K+1},      g_c = f_c ω_c F_c(|f - μ_c|),
 *   ω_c = max(0, α - r_c + 1) / α
 *
 * with r_c the rank of f_c, 1 for the largest; μ_c the mean logits of the correctly classified images of class c, and F_c
 * the Weibull distribution that fits the largest of their distances to it. Bendale and Boult, "Towards Open Set Deep
 * Networks", CVPR 2016, algorithms 1 and 2. The logits are their activation vectors, distances are Euclidean, and F has
 * two parameters and starts at 0, where their code shifts it (libMR). Higher means more out-of-distribution; in [0, 1].
 * Logits float [N, K]; scores [N].
 */
export const openMaxScore = defineScore({
  name: "openmax",
  title: "OpenMax",
  source: "Bendale and Boult, CVPR 2016",
  uses: ["labels"],
  reads: ["sample"],
  defaults: { tail: 20, alpha: 0 },
  check: checkOptions,
  fit: fitClasses,
  expression: ({ logits }, { alpha }, fitted) => {
    const { builder, dims } = logits;
    const classes = dims[1] as number;
    // Everything after the distances is in descending order of the logits, which softmax does not mind.
    const { values: sorted, indices: order } = largest(logits, classes);
    const shares = outlierShare(logits, fitted);
    const [outlying] = builder.op("GatherElements", [shares, order], { axis: int(1) }) as [Expr];
    const weights = Array.from({ length: classes }, (_, above) => Math.max(0, 1 - above / (alpha || classes)));
    const given = mul(sorted, mul(outlying, builder.constant(tensorOf(weights))));
    const open = concat([sub(sorted, given), sum(given, { axes: [1], keep: true })], 1);
    return gather(softmax(open), scalar(builder, classes, "int64"), 1);
  },
});

/** F_c(|f - μ_c|) = 1 - exp(-(|f - μ_c| / scale_c)^shape_c), [N, K]. */
function outlierShare(logits: Expr, fitted: Fitted): Expr {
  const constant = (name: string) => logits.builder.constant(fittedTensor(fitted, name, "openmax"));
  const ratio = div(squaredDistances(logits, constant("means")), square(constant("scale")));
  return sub(1, exp(neg(pow(ratio, mul(0.5, constant("shape"))))));
}

/**
 * |f - μ_c|² as |f|² - 2 f·μ_c + |μ_c|², [N, K], with the origin amid the means: what is subtracted is no larger than need be.
 * The predicted class has by far the largest say in the score, so its distance is computed without subtracting squares.
 */
function squaredDistances(logits: Expr, means: Expr): Expr {
  const squaredLength = (x: Expr, keep = true) => sum(square(x), { axes: [1], keep });
  const origin = mean(means, { axes: [0] });
  const [f, centres] = [sub(logits, origin), sub(means, origin)];
  const lengths = add(squaredLength(f), squaredLength(centres, false));
  const expanded = relu(sub(lengths, mul(2, matMul(f, transposeLast(centres)))));
  const predicted = predictedClass(logits);
  const own = squaredLength(sub(logits, gather(means, predicted, 0)));
  return where(greater(oneHot(predicted, means.dims[0] as number), 0), own, expanded);
}

function checkOptions({ tail, alpha }: OpenMaxOptions): void {
  if (!Number.isInteger(tail) || tail < fewest) {
    throw new OptionError({ where: name, expected: `a tail of ${fewest} or more`, received: String(tail) });
  }
  if (!Number.isInteger(alpha) || alpha < 0) {
    throw new OptionError({ where: name, expected: "alpha to be a whole number ≥ 0", received: String(alpha) });
  }
}

/** Fewest correctly classified images of a class, and distances, that a Weibull distribution is fitted to. */
const fewest = 3;

/**
 * @throws OptionError for an alpha of more than all classes
 * @throws DataError for a class with fewer than 3 correctly classified images, or with equal ones only
 */
function fitClasses({ head: { classes }, sample }: FitData<"sample">, { tail, alpha }: OpenMaxOptions): Fitted {
  if (alpha > classes) {
    throw new OptionError({
      where: name,
      expected: `an alpha of at most ${classes}, the number of classes`,
      received: String(alpha),
      hint: "use 0 for all classes",
    });
  }
  const right: Float32Array[][] = Array.from({ length: classes }, () => []);
  for (const { logits, label, predicted } of images(sample)) {
    if (predicted === label) (right[label] as Float32Array[]).push(logits);
  }
  const ofClass = right.map((rows, label) => {
    if (rows.length < fewest) {
      throw new DataError({
        where: name,
        expected: `at least ${fewest} correctly classified images of class ${label}`,
        received: String(rows.length),
        hint: "fit to more images, or to a set that holds every class of the model",
      });
    }
    const total = (axis: number) => rows.reduce((sum, row) => sum + (row[axis] as number), 0);
    const mean = Array.from({ length: classes }, (_, axis) => total(axis) / rows.length);
    const distances = rows.map((row) => Math.hypot(...mean.map((value, axis) => (row[axis] as number) - value)));
    const largest = distances.sort((a, b) => b - a).slice(0, tail);
    return { mean, ...fitWeibull(largest, `${name}, distances of class ${label}`) };
  });
  return {
    means: { dtype: "float64", dims: [classes, classes], data: Float64Array.from(ofClass.flatMap(({ mean }) => mean)) },
    shape: { dtype: "float64", dims: [classes], data: Float64Array.from(ofClass, ({ shape }) => shape) },
    scale: { dtype: "float64", dims: [classes], data: Float64Array.from(ofClass, ({ scale }) => scale) },
  };
}
