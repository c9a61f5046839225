/** Which tensor of a classifier holds the features that scores look at. */
import { UnsupportedError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { findLinearHead } from "../graph/linear-head.js";
import { formatDims } from "../onnx/types.js";
import { type Expr, mean } from "../ops/index.js";
import type { Head } from "../scores/index.js";
import { type Classifier, inferShapes, probeBatch } from "../training/classifier.js";
import { type FeatureMap, findFeatureMap } from "./feature-map.js";

export interface Features {
  /** Tensor [N, D], or [N, D, H, W], of which the means over the positions are taken. */
  readonly tensor: string;
  /** Whether the tensor has positions [H, W], be it one. */
  readonly hasPositions: boolean;
  /** Absent for a tensor that the logits are no linear function of. */
  readonly head?: Head;
  /** D */
  readonly dimension: number;
  readonly classes: number;
  /** What the features are the means of; absent where they are no such means. */
  readonly map?: FeatureMap;
}

/** The features [N, D] as an expression of the tensor, which becomes an input of the graph. */
export function featuresExpression(graph: GraphBuilder, name: string, features: Features): Expr {
  const positions = features.hasPositions ? ["H", "W"] : [];
  return asFeatures(graph.input(name, "float32", ["N", features.dimension, ...positions]), features);
}

/** The features [N, D] of the tensor. */
export const asFeatures = (tensor: Expr, { hasPositions }: Features): Expr =>
  hasPositions ? mean(tensor, { axes: [2, 3] }) : tensor;

/** Most tensors that an error lists. */
const mostCandidates = 8;

/**
 * What goes into the last linear layer; or the tensor asked for, which has no head.
 *
 * @param shape  of one image
 * @param layer  name of a float tensor [N, D] or [N, D, H, W]; default: found in the graph
 * @throws UnsupportedError when nothing linear gives the logits, or the tensor is not there; it lists tensors that would do
 */
export function findFeatures(
  classifier: Classifier,
  shape: readonly [number, number, number],
  layer?: string,
): Features {
  const { values, classes } = inferShapes(classifier, shape);
  const dims = (name: string) => values.get(name)?.dims;
  const head = findLinearHead(classifier.upgraded.graph, classifier.logits, dims);
  if (layer === undefined || layer === head?.features) {
    if (head !== undefined && head.classes === classes) {
      const hasPositions = dims(head.features)?.length === 4;
      const map = findFeatureMap(classifier.upgraded.graph, head.features, head.dimension, values);
      const { features: tensor, dimension } = head;
      return { tensor, hasPositions, head, dimension, classes, ...(map && { map }) };
    }
  } else {
    const [, dimension, ...rest] = dims(layer) ?? [];
    if (typeof dimension === "number" && holdsFeatures(values.get(layer))) {
      return { tensor: layer, hasPositions: rest.length === 2, dimension, classes };
    }
  }
  const candidates = classifier.upgraded.graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== classifier.logits && holdsFeatures(values.get(name)))
    .slice(-mostCandidates)
    .map((name) => `${name} ${formatDims(["N", ...(dims(name)?.slice(1) ?? [])])}`);
  throw new UnsupportedError({
    where: layer === undefined ? "features" : `--layer ${layer}`,
    expected:
      layer === undefined
        ? "logits from a linear layer with constant weights"
        : "a float tensor [N, D] or [N, D, H, W] of the model",
    received: layer === undefined ? "something else" : describeValue(values.get(layer)),
    hint: `name one with --layer: ${candidates.join(", ")}`,
  });
}

/** Whether a tensor has one row, or one map of positions, for each image. */
const holdsFeatures = (tensor: Expr | undefined): boolean =>
  tensor?.dtype === "float32" &&
  tensor.constant === undefined &&
  [2, 4].includes(tensor.dims?.length ?? 0) &&
  tensor.dims?.[0] === probeBatch;

function describeValue(tensor: Expr | undefined): string {
  if (tensor === undefined) return "no tensor of that name on the way to the logits";
  if (tensor.constant !== undefined) return `the constant ${formatDims(tensor.dims)}, the same for all images`;
  return `${tensor.dtype} ${formatDims(tensor.dims)} for ${probeBatch} images`;
}
