/** Finds the last linear layer of a classifier, whose input are the features that scores look at: logits = weight · features + bias. */

import { elementCount, type Graph, type Node, type Tensor } from "../onnx/types.js";
import { AttributeReader } from "../ops/index.js";
import { averagesAll } from "./average-all.js";

export interface LinearHead {
  /** Name of the tensor with the features: [N, D], or [N, D, H, W], of which the means over the positions are taken. */
  readonly features: string;
  /** [K, D], row by row. */
  readonly weight: Float32Array;
  /** [K]; zeros where the layer has none. */
  readonly bias: Float32Array;
  readonly classes: number;
  readonly dimension: number;
}

/** Operators between the last layer and the logits that move no number to another class. */
const passing: ReadonlySet<string> = new Set(["Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze"]);

/**
 * The layer that gives the tensor `logits`: a Gemm, a MatMul with or without a bias added, or a convolution of 1x1, over one position or
 * with an average over all positions after it, as the mean of a linear function is that function of the mean.
 *
 * @param dims  the shape of a tensor for some batch size, where it is known
 * @returns undefined when something else computes the logits, or from weights that are not constants
 */
export function findLinearHead(
  graph: Graph,
  logits: string,
  dims: (name: string) => readonly unknown[] | undefined,
): LinearHead | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let node = producers.get(logits);
  let bias: Tensor | undefined;
  let averaged = false;
  const constant = (name: string) => constantOf(graph, producers, name);
  while (node !== undefined) {
    if (node.op === "Add" && bias === undefined) {
      const index = node.inputs.findIndex((name) => constant(name) !== undefined);
      if (index < 0) return undefined;
      bias = constant(node.inputs[index] as string);
      node = producers.get(node.inputs[1 - index] as string);
    } else if (passing.has(node.op)) {
      node = producers.get(node.inputs[0] as string);
    } else if (
      averagesAll(
        node,
        dims(node.inputs[0] as string)?.slice(2) ?? [],
        (name) => constant(name)?.data as BigInt64Array | undefined,
      )
    ) {
      averaged = true;
      node = producers.get(node.inputs[0] as string);
    } else {
      return layer(node, { added: bias, averaged }, constant, dims);
    }
  }
  return undefined;
}

function layer(
  node: Node,
  { added, averaged }: { added: Tensor | undefined; averaged: boolean },
  constant: (name: string) => Tensor | undefined,
  dims: (name: string) => readonly unknown[] | undefined,
): LinearHead | undefined {
  const attributes = new AttributeReader(node.attributes, node.name);
  const weight = constant(node.inputs[1] ?? "");
  const given = node.inputs[2] ?? "";
  const own = given === "" ? undefined : constant(given);
  // A bias that is computed is no constant, and not none either.
  if (given !== "" && own === undefined) return undefined;
  if (weight?.dtype !== "float32" || (own !== undefined && added !== undefined)) return undefined;
  const features = node.inputs[0] as string;
  const finish = (rows: Float32Array, classes: number): LinearHead | undefined => {
    const bias = added ?? own;
    const flat = bias === undefined ? new Float32Array(classes) : asRow(bias, classes);
    return flat && { features, weight: rows, bias: flat, classes, dimension: rows.length / classes };
  };
  const [first, second] = weight.dims as [number, number];
  const values = weight.data as Float32Array;
  if (averaged && node.op !== "Conv") return undefined;
  if (node.op === "Gemm") {
    const plain = attributes.float("alpha", 1) === 1 && attributes.float("beta", 1) === 1;
    if (!plain || attributes.int("transA", 0) !== 0) return undefined;
    return attributes.int("transB", 0) === 1
      ? finish(values, first)
      : finish(transposed(values, first, second), second);
  }
  // Of a tensor with further axes the second is no axis of features.
  if (node.op === "MatMul" && (dims(features)?.length ?? 2) !== 2) return undefined;
  if (node.op === "MatMul" && weight.dims.length === 2) return finish(transposed(values, first, second), second);
  const sees = (name: string, expected: number) => attributes.ints(name, []).every((each) => each === expected);
  const pointwise =
    weight.dims.length === 4 && elementCount(weight.dims.slice(2)) === 1 && attributes.int("group", 1) === 1;
  const everyPosition = averaged
    ? sees("strides", 1) && sees("pads", 0)
    : (dims(features)
        ?.slice(2)
        .every((size) => size === 1) ?? false);
  return node.op === "Conv" && pointwise && everyPosition ? finish(values, first) : undefined;
}

/** An initializer, or one that exporters have transposed or renamed on the way. */
function constantOf(graph: Graph, producers: ReadonlyMap<string, Node>, name: string): Tensor | undefined {
  const initializer = graph.initializers.get(name);
  const node = producers.get(name);
  if (initializer !== undefined || node === undefined) return initializer;
  if (node.op !== "Identity" && node.op !== "Transpose") return undefined;
  const source = constantOf(graph, producers, node.inputs[0] as string);
  if (node.op === "Identity" || source === undefined) return source;
  if (source.dtype !== "float32" || source.dims.length !== 2) return undefined;
  const [rows, columns] = source.dims as [number, number];
  return { dtype: "float32", dims: [columns, rows], data: transposed(source.data as Float32Array, rows, columns) };
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return result;
}

/** A bias of one number per class, however many dimensions of size 1 it has. */
function asRow(bias: Tensor, classes: number): Float32Array | undefined {
  if (bias.dtype !== "float32") return undefined;
  const values = bias.data as Float32Array;
  if (values.length === classes) return values;
  return values.length === 1 ? new Float32Array(classes).fill(values[0] as number) : undefined;
}
