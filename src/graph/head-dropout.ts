/** Dropout for a network that was trained without: what Monte-Carlo samples need. */
import { ShapeError } from "../errors.js";
import { float, type Model, type Node } from "../onnx/types.js";
import { withLiftedWeights } from "./lift-weights.js";
import { headLayer } from "./parameters.js";

/** Operator set since which the share is an input of Dropout and no attribute. */
const shareAsInput = 12;

/**
 * Puts a Dropout node on what goes into the last convolution on the way to the first output of a model. Outside training it passes that on, so
 * that the network stays the same function.
 *
 * @param share  of the units that drop, in (0, 1)
 * @throws ShapeError when the last layer is no convolution, or has a Dropout node in front of it
 */
export function withHeadDropout(given: Model, share: number, where = "model"): Model {
  const model = withLiftedWeights(given);
  const { graph, opset } = model;
  const layer = headLayer(graph);
  const [input = "", ...weights] = layer?.inputs ?? [];
  const before = graph.nodes.find(({ outputs }) => outputs.includes(input));
  if (layer === undefined || !isConvolution(layer) || before?.op === "Dropout") {
    throw new ShapeError({
      where: layer === undefined ? where : `${where}, node "${layer.name}" (${layer.op})`,
      expected: "a convolution as the last layer, without Dropout in front of it, to put Dropout there",
      received: before?.op === "Dropout" ? "one with Dropout" : (layer?.op ?? "none"),
      hint: "leave out --head-dropout; --dropout lets the Dropout nodes of a model drop units",
    });
  }
  const name = unused(model, `${layer.name || layer.op}.dropout`);
  const ratio = `${name}.share`;
  const isInput = opset >= shareAsInput;
  const dropout: Node = {
    ...{ name, op: "Dropout", domain: "", outputs: [name] },
    inputs: isInput ? [input, ratio] : [input],
    attributes: isInput ? {} : { ratio: float(share) },
  };
  const initializers = new Map(graph.initializers);
  if (isInput) initializers.set(ratio, { dtype: "float32", dims: [], data: Float32Array.of(share) });
  const nodes = graph.nodes.flatMap((node) =>
    node === layer ? [dropout, { ...layer, inputs: [name, ...weights] }] : [node],
  );
  return { ...model, graph: { ...graph, nodes, initializers } };
}

const isConvolution = ({ op }: Node): boolean => op === "Conv" || op === "ConvTranspose";

/** The name itself, or with as many underscores as no other has. */
function unused({ graph }: Model, name: string): string {
  const taken = new Set([
    ...graph.initializers.keys(),
    ...graph.inputs.map((input) => input.name),
    ...graph.nodes.flatMap((node) => [node.name, ...node.outputs]),
  ]);
  let own = name;
  while (taken.has(own) || taken.has(`${own}.share`)) own = `${own}_`;
  return own;
}
