// BatchNormalization.   ONNX opset 15. Per channel c, over N and the spatial axes, with r = 1/√(variance + epsilon):
//
//   y = scale·r·(x - mean) + B
//
// Inference: mean and variance are operands like scale and B, and every gradient is a sum of dy or of dy·(x - mean) per channel.
//
// Training: mean and variance are those of the batch, and depend on x. With h = r·(x - mean) and averages over a channel,
//
//   dx = scale·r·( dy - avg(dy) - h·avg(dy·h) ),      dscale = Σ dy·h,      dB = Σ dy
//
// which is dy scaled and x - mean scaled: no other full-size value is needed, so forward keeps only x - mean.
//
// How it is computed decides what it costs; the time is that of moving memory. On one core, 384x32x16x16:
//   - sums per channel in two steps, [H, W] then N: 0.3 ms; in one step over [N, H, W]: 0.9 ms;
//   - scale and shift in one pass, as an inference BatchNormalization with mean 0 and variance 1: 1.0 ms; Mul and Add: 2.2 ms;
//   - ReduceSumSquare 2.2 ms, a product and a sum 1.5 ms, an inner product as MatMul of one row and one column: 9.6 ms.
// ONNX Runtime's own training-mode kernel takes 1.7 ms for what these primitives do in 3.2 ms, but forward and backward together differ
// by 6 %, as the backward pass then has to subtract the mean again. It is not used: WebGPU lacks it, and on the CPU it overwrites the
// initializers that are its running statistics, whoever else reads them (ONNX Runtime 1.30).
import { ShapeError } from "../errors.js";
import { float, formatDims } from "../onnx/types.js";
import {
  add,
  div,
  first,
  mean,
  mul,
  neg,
  reciprocal,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  tensorOf,
} from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** Result of {@link trainingBatchNorm}: y in the shape of x; mean and biased variance of the batch, both [C]. */
export interface TrainingBatchNorm {
  readonly y: Expr;
  readonly mean: Expr;
  readonly variance: Expr;
}

/**
 * Batch normalization with the statistics of the batch, differentiable in x, scale and bias, also through mean and variance.
 *
 * The variance is the average of (x - mean)², so a mean far from 0 costs no digits.
 *
 * @param x        float32 [N, C, ...]
 * @param scale    float32 [C]
 * @param bias     float32 [C]
 * @param epsilon  added to the variance, > 0
 */
export function trainingBatchNorm(x: Expr, scale: Expr, bias: Expr, epsilon: number): TrainingBatchNorm {
  const average = meanPerChannel(x);
  const centred = sub(x, perChannel(average, x));
  const variance = meanPerChannel(square(centred));
  const statistics: BatchStatistics = { centred, scale, variance, epsilon };
  const [y, meanOfBatch, varianceOfBatch] = x.builder.withGradient(
    [x, scale, bias],
    () => [scaleShift(centred, mul(scale, inverseDeviation(statistics)), bias), average, variance],
    ([dy, dMean, dVariance], wanted) => trainingGradient(statistics, { dy, dMean, dVariance }, wanted),
  ) as [Expr, Expr, Expr];
  return { y, mean: meanOfBatch, variance: varianceOfBatch };
}

interface BatchStatistics {
  /** x - mean */
  readonly centred: Expr;
  readonly scale: Expr;
  readonly variance: Expr;
  readonly epsilon: number;
}

/** Gradients of y and of the batch's mean and variance, undefined where the loss does not use them. */
interface TrainingGradients {
  readonly dy: Expr | undefined;
  readonly dMean: Expr | undefined;
  readonly dVariance: Expr | undefined;
}

/** Gradients of x, scale and bias. */
function trainingGradient(
  statistics: BatchStatistics,
  { dy, dMean, dVariance }: TrainingGradients,
  wanted: readonly boolean[],
): (Expr | undefined)[] {
  const { centred, scale } = statistics;
  const dims = staticDims(centred, "batch normalization");
  const count = dims.reduce((product, size, axis) => (axis === 1 ? product : product * size), 1);
  const r = inverseDeviation(statistics);
  const sumDy = dy && sumPerChannel(dy);
  const sumProduct = dy && (wanted[0] || wanted[1]) ? sumPerChannel(mul(dy, centred)) : undefined;
  const dScale = sumProduct && mul(sumProduct, r);
  if (!wanted[0]) return [undefined, dScale, sumDy];
  // dx = slope·dy + shift - pull·(x - mean), the three factors one per channel.
  const slope = mul(scale, r);
  const shift = total([sumDy && neg(div(mul(slope, sumDy), count)), dMean && div(dMean, count)]);
  const pull = total([
    sumProduct && div(mul(mul(slope, square(r)), sumProduct), count),
    dVariance && mul(dVariance, -2 / count),
  ]);
  const zero = mul(scale, 0);
  const straight = dy === undefined ? perChannel(shift ?? zero, centred) : scaleShift(dy, slope, shift ?? zero);
  return [add(straight, mul(centred, perChannel(neg(pull ?? zero), centred))), dScale, sumDy];
}

function total(terms: readonly (Expr | undefined)[]): Expr | undefined {
  const present = terms.filter((term) => term !== undefined);
  return present.length === 0 ? undefined : present.reduce((a, b) => add(a, b));
}

/** 1/√(variance + epsilon) */
const inverseDeviation = ({ variance, epsilon }: Pick<BatchStatistics, "variance" | "epsilon">): Expr =>
  reciprocal(sqrt(add(variance, epsilon)));

/** [C] as [C, 1, ...], which broadcasts to x [N, C, ...]. */
function perChannel(value: Expr, x: Expr): Expr {
  return reshape(value, [...staticDims(value, value.name), ...x.dims.slice(2).map(() => 1)]);
}

const spatialAxes = (x: Expr): number[] => x.dims.slice(2).map((_, axis) => axis + 2);
const sumPerChannel = (x: Expr): Expr => sum(sum(x, { axes: spatialAxes(x) }), { axes: [0] });
const meanPerChannel = (x: Expr): Expr => mean(mean(x, { axes: spatialAxes(x) }), { axes: [0] });

/** x·slope + shift with one factor and one term per channel, in one pass over x [N, C, ...]. */
function scaleShift(x: Expr, slope: Expr, shift: Expr): Expr {
  const channels = staticDims(slope, slope.name)[0] as number;
  const filled = (value: number) => x.builder.constant(tensorOf(Array<number>(channels).fill(value)));
  return first(x.builder.op("BatchNormalization", [x, slope, shift, filled(0), filled(1)], { epsilon: float(0) }));
}

const inTraining = ({ attributes }: Pick<ShapeCall, "attributes">) => attributes.int("training_mode", 0) === 1;

function batchNormShape(call: ShapeCall): ValueType[] {
  const x = operand(call, 0);
  const names = ["scale", "B", "mean", "variance"];
  for (const [index, name] of names.entries()) {
    const { dims } = operand(call, index + 1);
    const channels = x.dims[1] ?? 1;
    if (x.dims.length < 2 || dims.length !== 1 || (typeof channels === "number" && dims[0] !== channels)) {
      throw new ShapeError({
        where: call.where,
        expected: `input [N, C, ...] and ${name} [C]`,
        received: `input ${formatDims(x.dims)} and ${name} ${formatDims(dims)}`,
      });
    }
  }
  const statistics = [operand(call, 3), operand(call, 4)].map(({ dtype, dims }) => ({ dtype, dims }));
  return [{ dtype: x.dtype, dims: x.dims }, ...statistics].slice(0, call.outputCount);
}

function inferenceGradient(call: GradientCall): (Expr | undefined)[] {
  const { inputs, wanted } = call;
  const [x, scale, , average, variance] = inputs as [Expr, Expr, Expr, Expr, Expr];
  const dy = call.outputGradients[0] as Expr;
  const r = inverseDeviation({ variance, epsilon: call.attributes.float("epsilon", 1e-5) });
  const slope = mul(scale, r);
  const sumDy = () => sumPerChannel(dy);
  const sumProduct = () => sumPerChannel(mul(dy, sub(x, perChannel(average, x))));
  return [
    wanted[0] ? mul(dy, perChannel(slope, x)) : undefined,
    wanted[1] ? mul(sumProduct(), r) : undefined,
    wanted[2] ? sumDy() : undefined,
    wanted[3] ? neg(mul(slope, sumDy())) : undefined,
    wanted[4] ? mul(mul(sumProduct(), slope), mul(square(r), -0.5)) : undefined,
  ];
}

/** The running outputs are `momentum` times the given statistics and the rest the batch's. */
function operatorTrainingGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, scale] = call.inputs as [Expr, Expr];
  const [dy, dRunningMean, dRunningVariance] = call.outputGradients;
  const keep = call.attributes.float("momentum", 0.9);
  const centred = sub(x, perChannel(meanPerChannel(x), x));
  const variance = meanPerChannel(square(centred));
  const results = trainingGradient(
    { centred, scale, variance, epsilon: call.attributes.float("epsilon", 1e-5) },
    {
      dy,
      dMean: dRunningMean && mul(dRunningMean, 1 - keep),
      dVariance: dRunningVariance && mul(dRunningVariance, 1 - keep),
    },
    call.wanted,
  );
  return [...results, dRunningMean && mul(dRunningMean, keep), dRunningVariance && mul(dRunningVariance, keep)];
}

export const batchNorm: readonly OperatorRule[] = [
  {
    op: "BatchNormalization",
    summary: {
      shape: "that of x; running statistics [C]",
      gradient: "inference: dy·scale·r and sums per channel; training: through the batch's mean and variance",
    },
    shape: batchNormShape,
    gradient: (call) => (inTraining(call) ? operatorTrainingGradient(call) : inferenceGradient(call)),
  },
];
