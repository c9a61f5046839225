/** The network of test/reference/pixel-step.py: a strided convolution, BatchNormalization, ReLU, and a 1x1 convolution. */
import { createGenerator, normal } from "../../src/data/index.js";
import { GraphBuilder } from "../../src/graph/builder.js";
import { elementCount, float, int, ints, type Model, type ValueInfo } from "../../src/onnx/types.js";
import { type Expr, first, relu } from "../../src/ops/index.js";

export interface TinyOptions {
  readonly outputs: number;
  /** Height and width of the images; default 12 x 16. */
  readonly size?: readonly [number, number];
  /** The file says that the images may be of any size; default false. */
  readonly anySize?: boolean;
  /** Values by name; default: drawn. */
  readonly weights?: Readonly<Record<string, Float32Array>>;
  readonly endsInSoftmax?: boolean;
  /** Names of the last layer's parameters begin with it; default `head`. */
  readonly head?: string;
}

/** Logits at half the size of the image. */
export function tinyNetwork({ outputs, size = [12, 16], weights = {}, head = "head", ...form }: TinyOptions): Model {
  const graph = new GraphBuilder();
  const generator = createGenerator(5);
  const parameter = (name: string, dims: readonly number[], values?: number) => {
    const own = generator.fork(name);
    const drawn = () => Float32Array.from({ length: elementCount(dims) }, () => values ?? 0.5 * normal(own));
    return graph.initializer(name, { dtype: "float32", dims, data: weights[name] ?? drawn() });
  };
  const image = graph.input("image", "float32", ["N", 3, ...size]);
  const convolution = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) };
  const op = (type: string, inputs: Expr[], attributes = {}) => first(graph.op(type, inputs, attributes));
  const features = op("Conv", [image, parameter("conv.weight", [6, 3, 3, 3])], convolution);
  const norm = [
    parameter("norm.weight", [6], 1),
    parameter("norm.bias", [6], 0),
    parameter("norm.running_mean", [6], 0),
    parameter("norm.running_var", [6], 1),
  ];
  const hidden = relu(op("BatchNormalization", [features, ...norm], { epsilon: float(1e-5), momentum: float(0.9) }));
  const last = [parameter(`${head}.weight`, [outputs, 6, 1, 1]), parameter(`${head}.bias`, [outputs])];
  const logits = op("Conv", [hidden, ...last], { kernel_shape: ints([1, 1]) });
  const fixed = graph.model({ logits }, "tiny");
  const model = form.anySize ? withoutSizes(fixed) : fixed;
  return form.endsInSoftmax ? withSoftmax(model) : model;
}

function withoutSizes(model: Model): Model {
  const open = (value: ValueInfo): ValueInfo => ({ ...value, dims: [...(value.dims?.slice(0, 2) ?? []), "h", "w"] });
  const { inputs, outputs } = model.graph;
  return { ...model, graph: { ...model.graph, inputs: inputs.map(open), outputs: outputs.map(open) } };
}

/** The model with a Softmax as its last node. */
function withSoftmax(model: Model): Model {
  const attributes = { axis: int(1) };
  const node = {
    name: "softmax",
    op: "Softmax",
    domain: "",
    inputs: ["logits"],
    outputs: ["probabilities"],
    attributes,
  };
  const outputs = model.graph.outputs.map((output) => ({ ...output, name: "probabilities" }));
  return { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes, node], outputs } };
}
