/** Which initializers of a model are parameters that training may move, and which of them to train. */
import { OptionError, UnsupportedError } from "../errors.js";
import { elementCount, type Graph, type Node, type Tensor } from "../onnx/types.js";
import { lossOutputs } from "./extra-outputs.js";
import { neededNodes } from "./import.js";

export interface Parameter {
  readonly name: string;
  readonly tensor: Tensor;
  /** The first node that uses it. */
  readonly node: Node;
}

/** Inputs that hold weights by the definition of the operator: weights and biases, scales and shifts, slopes. */
const parametricInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Einsum: [0, 1],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  PRelu: [1],
};

/** Inputs that hold weights only above the first of the operators above: biases, layer scales, position embeddings, class tokens. */
const elementwiseInputs: Readonly<Record<string, true>> = {
  Add: true,
  Sub: true,
  Mul: true,
  Div: true,
  Concat: true,
  Expand: true,
};

/** Inputs that say what size something is to have: what is computed for them is no weight, be it a float. */
const sizeInputs: Readonly<Record<string, readonly number[]>> = {
  Resize: [1, 2, 3],
  Upsample: [1],
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  ConstantOfShape: [0],
};

const isFloat = (tensor: Tensor | undefined): tensor is Tensor =>
  tensor !== undefined && ["float32", "float16", "float64", "bfloat16"].includes(tensor.dtype);

/** Operators that multiply data by weights: what `head` counts. */
const layers: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"]);

/** Operators that exporters put between a weight and the layer that uses it. */
const rearranging: ReadonlySet<string> = new Set(["Identity", "Transpose", "Reshape", "Unsqueeze", "Squeeze"]);

/** Inputs of an operator that hold weights, running statistics among them. */
export const layerWeights = (op: string): readonly number[] =>
  op === "BatchNormalization" ? [1, 2, 3, 4] : (parametricInputs[op] ?? []);
/** Inputs of an operator that hold weights above a layer. */
export const elementwiseWeights = (op: string): readonly number[] => (elementwiseInputs[op] ? [0, 1] : []);
export const rearranges = (op: string): boolean => rearranging.has(op);

/** Initializers by the tensors that are they themselves or a rearrangement of them, such as a transposed weight. */
export function initializerSources(graph: Graph): Map<string, string> {
  const sources = new Map([...graph.initializers.keys()].map((name) => [name, name]));
  for (const { op, inputs, outputs } of graph.nodes) {
    const source = sources.get(inputs[0] ?? "");
    if (rearranging.has(op) && source !== undefined) sources.set(outputs[0] as string, source);
  }
  return sources;
}

/**
 * The parameters of a model, in the order the graph uses them. Constants in front of the first parametric operator, such as
 * a normalisation of the image inside the model, are not parameters, nor are running statistics.
 */
export function findParameters(graph: Graph): Parameter[] {
  const found = new Map<string, Parameter>();
  const sizes = sizeTensors(graph);
  // Tensors computed from the image by way of at least one parameter.
  const learned = new Set<string>();
  const sourcesByName = initializerSources(graph);
  for (const node of graph.nodes) {
    if (rearranging.has(node.op) && sourcesByName.has(node.outputs[0] ?? "")) continue;
    if (sizes.has(node.outputs[0] ?? "")) continue;
    const sources = node.inputs.map((name) => sourcesByName.get(name));
    const downstream = node.inputs.some((name) => learned.has(name));
    const slots = parametricInputs[node.op];
    sources.forEach((source, index) => {
      const tensor = source === undefined ? undefined : graph.initializers.get(source);
      if (source === undefined || !isFloat(tensor)) return;
      const elementwise =
        elementwiseInputs[node.op] &&
        elementCount(tensor.dims) > 1 &&
        (downstream || node.op === "Expand" || node.op === "Concat");
      if ((slots?.includes(index) || elementwise) && !found.has(source))
        found.set(source, { name: source, tensor, node });
    });
    if (downstream || sources.some((source) => source !== undefined && found.has(source))) {
      for (const output of node.outputs) learned.add(output);
    }
  }
  return [...found.values()];
}

/** Tensors that nothing but {@link sizeInputs} is computed from. */
function sizeTensors(graph: Graph): Set<string> {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const data = new Set<string>();
  const sizes = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    const isSize = node.outputs.every((name) => sizes.has(name) && !data.has(name) && !outputs.has(name));
    node.inputs.forEach((name, index) => {
      (isSize || sizeInputs[node.op]?.includes(index) ? sizes : data).add(name);
    });
  }
  return new Set([...sizes].filter((name) => !data.has(name) && !outputs.has(name)));
}

/**
 * Names of the parameters to train.
 *
 * @param selection  `all`; `head`: the last parametric layer and what follows it; or patterns over parameter names, separated
 *                   by commas, where `*` stands for anything (`layer3.*,linear.*`)
 * @throws OptionError when nothing matches, UnsupportedError for parameters that are not float32
 */
export function selectParameters(graph: Graph, selection: string): Parameter[] {
  const parameters = findParameters(graph);
  const chosen =
    selection === "all"
      ? parameters
      : selection === "head"
        ? headOf(graph, parameters)
        : namedParameters(parameters, selection, trained);
  if (chosen.length === 0) throw nothingFor(selection, parameters, trained);
  const odd = chosen.find(({ tensor }) => tensor.dtype !== "float32");
  if (odd !== undefined) {
    throw new UnsupportedError({
      where: `parameter "${odd.name}"`,
      expected: "float32 parameters to train",
      received: odd.tensor.dtype,
      hint: "export the model in float32, tune it, and convert the result",
    });
  }
  return chosen;
}

/** The last layer on the way to the first output, and every parameter used after it on the way there, or to an output that losses look at. */
export function headOf(graph: Graph, parameters: readonly Parameter[]): Parameter[] {
  const last = headLayer(graph);
  if (last === undefined) return [];
  const wanted = [graph.outputs[0]?.name ?? "", ...lossOutputs(graph.outputs)];
  const needed = new Set(neededNodes(graph, { outputs: wanted, bound: new Map() }));
  const later = new Set(graph.nodes.slice(graph.nodes.indexOf(last)).filter((node) => needed.has(node)));
  return parameters.filter(({ node }) => later.has(node));
}

/** The node `head` starts at: the last layer with weights on the way to the first output. */
export function headLayer(graph: Graph): Node | undefined {
  const sources = initializerSources(graph);
  const isWeight = (name: string) => isFloat(graph.initializers.get(sources.get(name) ?? ""));
  const wanted = new Set([graph.outputs[0]?.name]);
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    if (layers.has(node.op) && node.inputs.some(isWeight)) return node;
    for (const name of node.inputs) wanted.add(name);
  }
  return undefined;
}

/** What a flag chooses parameters for. */
interface Choice {
  readonly flag: string;
  readonly purpose: string;
}
const trained: Choice = { flag: "--train", purpose: "to train" };
export const keptFromDecay: Choice = { flag: "--no-decay", purpose: "to keep from decay" };

/**
 * {@link matchingParameters} of patterns that a user has given.
 *
 * @throws OptionError for a pattern that matches nothing: what it was meant for would silently be treated as the rest
 */
export function namedParameters(parameters: readonly Parameter[], patterns: string, choice: Choice): Parameter[] {
  const idle = patterns.split(",").find((pattern) => matchingParameters(parameters, pattern).length === 0);
  if (idle !== undefined) throw nothingFor(idle.trim(), parameters, choice);
  return matchingParameters(parameters, patterns);
}

function nothingFor(pattern: string, parameters: readonly Parameter[], { flag, purpose }: Choice): OptionError {
  const examples = parameters.slice(0, 3).map(({ name }) => name);
  return new OptionError({
    where: flag,
    expected: `at least one parameter ${purpose}`,
    received: `none for "${pattern}"`,
    hint:
      examples.length === 0
        ? "the model has no weights that training could move"
        : `the model has ${parameters.length} parameters, for example ${examples.join(", ")}; \`offmap inspect\` lists them`,
  });
}

/** Those whose names match one of the patterns, separated by commas, where `*` stands for anything. */
export function matchingParameters(parameters: readonly Parameter[], patterns: string): Parameter[] {
  const expressions = patterns.split(",").map((pattern) => {
    const escaped = pattern.trim().replace(/[.*+?^${}()|[\]\\]/g, (c) => (c === "*" ? ".*" : `\\${c}`));
    return new RegExp(`^${escaped}$`);
  });
  return parameters.filter(({ name }) => expressions.some((expression) => expression.test(name)));
}
