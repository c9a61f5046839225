// SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss.   ONNX opset 13. Scores [N, C, ...], labels [N, ...], weights [C] per class.
//
// Per label t: loss = -weights[t]·ln p[t], 0 where t is ignore_index; `mean` divides by the sum of the weights used. With the one-hot
// rows o, the weight w = Σ o·weights of each label and dl the gradient of each single loss,
//
//   d scores = (p - o)·w·dl            from logits (the weights are 0/1 where nothing else is given)
//   d input  = -o·w·dl                 from log-probabilities
//
// The second output of SoftmaxCrossEntropyLoss, log p, adds d log_prob - p·Σ d log_prob. The weights have no gradient rule.
import { ShapeError, UnsupportedError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import {
  add,
  div,
  equal,
  indicator,
  mul,
  neg,
  reshape,
  softmax,
  sub,
  sum,
  tensorOf,
  unsqueeze,
  where,
} from "./expressions.js";
import { operand, sameDims, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

function lossShape(call: ShapeCall): ValueType[] {
  const [scores, labels, weights] = [operand(call, 0), operand(call, 1), call.inputs[2]];
  const [images, classes, ...rest] = scores.dims;
  if (scores.dims.length < 2 || !sameDims(labels.dims, [images ?? 1, ...rest])) {
    throw new ShapeError({
      where: call.where,
      expected: "scores [N, C, ...] and labels [N, ...]",
      received: `${formatDims(scores.dims)} and ${formatDims(labels.dims)}`,
    });
  }
  if (weights !== undefined && !sameDims(weights.dims, [classes ?? 1])) {
    throw new ShapeError({
      where: call.where,
      expected: `weights [${classes}]`,
      received: formatDims(weights.dims),
    });
  }
  const loss = reductionOf(call) === "none" ? labels.dims : [];
  return [
    { dtype: scores.dtype, dims: loss },
    { dtype: scores.dtype, dims: scores.dims },
  ].slice(0, call.outputCount);
}

function reductionOf(call: Pick<ShapeCall, "attributes" | "where">): string {
  const reduction = call.attributes.string("reduction", "mean");
  if (!["mean", "sum", "none"].includes(reduction)) {
    throw new ShapeError({ where: call.where, expected: "reduction mean, sum or none", received: reduction });
  }
  return reduction;
}

/** One-hot rows [N, C, ...] of the labels, and weight·dl per label [N, 1, ...]. */
function selection(call: GradientCall, dLoss: Expr): { chosen: Expr; factor: Expr } {
  const [scores, labels, weights] = call.inputs as [Expr, Expr, Expr | undefined];
  const [, classes, ...rest] = staticDims(scores, call.where) as [number, number, ...number[]];
  const perClass = [classes, ...rest.map(() => 1)];
  const range = tensorOf(
    Array.from({ length: classes }, (_, index) => index),
    labels.dtype,
    perClass,
  );
  const column = unsqueeze(labels, [1]);
  const chosen = indicator(equal(column, call.builder.constant(range)), scores.dtype);
  const label = weights === undefined ? chosen : mul(chosen, reshape(weights, perClass));
  let weight = sum(label, { axes: [1], keep: true });
  if (call.attributes.has("ignore_index")) {
    weight = where(equal(column, call.attributes.int("ignore_index")), 0, weight);
  }
  const reduction = reductionOf(call);
  if (reduction === "none") return { chosen, factor: mul(weight, unsqueeze(dLoss, [1])) };
  return { chosen, factor: mul(weight, reduction === "mean" ? div(dLoss, sum(weight)) : dLoss) };
}

function refuseWeights(call: GradientCall): void {
  if (!call.wanted[2]) return;
  throw new UnsupportedError({
    where: call.where,
    problem: "class weights of a loss cannot be trained",
    hint: "leave them out of --train",
  });
}

export const crossEntropyLosses: readonly OperatorRule[] = [
  {
    op: "SoftmaxCrossEntropyLoss",
    summary: { shape: "scalar, or that of the labels for reduction none; log p", gradient: "(p - onehot)·weight·dl" },
    shape: lossShape,
    gradient: (call) => {
      refuseWeights(call);
      const p = softmax(call.inputs[0] as Expr, 1);
      const [dLoss, dLogP] = call.outputGradients;
      const parts: Expr[] = [];
      if (dLoss !== undefined) {
        const { chosen, factor } = selection(call, dLoss);
        parts.push(mul(sub(p, chosen), factor));
      }
      if (dLogP !== undefined) parts.push(sub(dLogP, mul(p, sum(dLogP, { axes: [1], keep: true }))));
      return [call.wanted[0] ? parts.reduce((a, b) => add(a, b)) : undefined];
    },
  },
  {
    op: "NegativeLogLikelihoodLoss",
    summary: { shape: "scalar, or that of the labels for reduction none", gradient: "-onehot·weight·dl" },
    shape: lossShape,
    gradient: (call) => {
      refuseWeights(call);
      const { chosen, factor } = selection(call, call.outputGradients[0] as Expr);
      return [call.wanted[0] ? neg(mul(chosen, factor)) : undefined];
    },
  },
];
