/** More outputs for a network that has been trained: what abstaining needs. */
import { ShapeError } from "../errors.js";
import { elementCount, type Graph, type Model, type Node, origin, type Tensor } from "../onnx/types.js";
import { headLayer } from "./parameters.js";

/**
 * Adds outputs to the last convolution on the way to the first output of a model. The weights of the old outputs stay as they are, bit by bit; a
 * new bias is 0. Sizes of tensors above the convolution are not looked at: whoever calls infers the shapes anew.
 *
 * @param extra  number of new outputs
 * @param rows   starting values of their weights, for the shape [extra, C, kh, kw]
 * @throws ShapeError when the last layer is no convolution without groups whose weights are initializers
 */
export function widenHead(
  model: Model,
  extra: number,
  rows: (dims: readonly number[]) => Float32Array,
  where = "model",
): Model {
  const { graph } = model;
  const layer = headLayer(graph);
  const [weightName, biasName] = [layer?.inputs[1] ?? "", layer?.inputs[2] ?? ""];
  const weight = graph.initializers.get(weightName);
  const bias = graph.initializers.get(biasName);
  if (
    layer === undefined ||
    weight === undefined ||
    !isPlain(layer, weight) ||
    (biasName !== "" && bias === undefined)
  ) {
    throw new ShapeError({
      where: layer === undefined ? where : `${where}, node "${layer.name}" (${layer.op})`,
      expected: "a convolution with float32 weights of its own as the last layer, to give it more outputs",
      received: weight === undefined ? "none" : `weights [${weight.dims.join(", ")}]`,
      hint: "choose a loss without abstention, or export the model with more outputs",
    });
  }
  const initializers = new Map(graph.initializers);
  // A transposed convolution has its outputs on the second axis.
  const axis = layer.op === "ConvTranspose" ? 1 : 0;
  const unit = weight.dims.filter((_, place) => place !== axis);
  initializers.set(weightName, widened(weight, axis, rows([extra, ...unit])));
  if (bias !== undefined) initializers.set(biasName, widened(bias, 0, new Float32Array(extra)));
  const outputs = graph.outputs.map((output, place) =>
    place > 0 || output.dims === undefined ? output : { ...output, dims: moreChannels(output.dims, extra) },
  );
  // Without `origin` the writer takes no shapes from the file that are no longer true.
  const { [origin]: _model, ...plainModel } = model;
  const { [origin]: _graph, ...plainGraph } = graph;
  return { ...plainModel, graph: { ...plainGraph, initializers, outputs } };
}

function isPlain({ op, attributes }: Node, weight: Tensor): boolean {
  const groups = attributes.group?.kind === "int" ? Number(attributes.group.value) : 1;
  return (op === "Conv" || op === "ConvTranspose") && groups === 1 && weight.dtype === "float32";
}

/**
 * A tensor with more entries along an axis, after those it has.
 *
 * @param fresh  the new entries, with that axis in front
 */
function widened({ dims, data: old }: Tensor, axis: number, fresh: Float32Array): Tensor {
  const count = dims[axis] as number;
  const outer = elementCount(dims.slice(0, axis));
  const inner = elementCount(dims.slice(axis + 1));
  const extra = fresh.length / (outer * inner);
  const data = new Float32Array(outer * (count + extra) * inner);
  for (let at = 0; at < outer; at++) {
    const start = at * (count + extra) * inner;
    data.set((old as Float32Array).subarray(at * count * inner, (at + 1) * count * inner), start);
    for (let entry = 0; entry < extra; entry++) {
      const from = (entry * outer + at) * inner;
      data.set(fresh.subarray(from, from + inner), start + (count + entry) * inner);
    }
  }
  return { dtype: "float32", dims: dims.map((size, place) => (place === axis ? count + extra : size)), data };
}

const moreChannels = (dims: NonNullable<Graph["outputs"][number]["dims"]>, extra: number) =>
  dims.map((size, axis) => (axis === 1 && typeof size === "number" ? size + extra : size));
