/** What is known of a graph's tensors before it is upgraded: constant values, ranks, element types. */
import { dtypeOf } from "../../onnx/element-types.js";
import { type DataType, type Graph, type Node, origin, type Tensor } from "../../onnx/index.js";
import type { GraphProto } from "../../onnx/onnx_pb.js";
import { decodeValueInfo } from "../../onnx/value-types.js";

/** What is known of one tensor; unknown where absent. */
export interface Facts {
  readonly constant?: Tensor | undefined;
  readonly rank?: number | undefined;
  readonly dtype?: DataType | undefined;
}

/** Operators whose outputs have the rank of their first input. */
const keepsRank = new Set(
  (
    "Relu LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Erf Exp Log Neg Abs Sqrt Softplus Softmax LogSoftmax " +
    "Hardmax Clip Identity Dropout Cast BatchNormalization InstanceNormalization LRN Conv ConvTranspose MaxPool AveragePool " +
    "LpPool GlobalAveragePool GlobalMaxPool Transpose Pad Slice Concat Split Tile Resize Upsample"
  ).split(" "),
);
const broadcasts = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean"]);
/** Operators whose first output does not have the element type of their first input. */
const changesType = new Set(
  "Shape Size ArgMax ArgMin NonZero Equal Greater Less GreaterOrEqual LessOrEqual IsNaN IsInf ConstantOfShape OneHot If Loop Scan".split(
    " ",
  ),
);

/** One pass over the sorted nodes. `outer` looks up the tensors of the graphs around this one. */
export function inferFacts(graph: Graph, outer: (name: string) => Facts): Map<string, Facts> {
  const facts = new Map<string, Facts>();
  const declared = [
    ...((graph[origin] as GraphProto | undefined)?.valueInfo ?? []).map((value) => decodeValueInfo(value, graph.name)),
    ...graph.inputs,
    ...graph.outputs,
  ];
  for (const { name, dtype, dims } of declared) {
    facts.set(name, { rank: dims?.length, dtype: dtype === "other" ? undefined : dtype });
  }
  for (const [name, tensor] of graph.initializers) facts.set(name, factsOf(tensor));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => facts.get(name) ?? outer(name));
    node.outputs.forEach((name, index) => {
      const known = facts.get(name);
      const found = index === 0 || node.op === "Split" ? outputFacts(node, inputs) : {};
      facts.set(name, { ...found, rank: known?.rank ?? found.rank, dtype: known?.dtype ?? found.dtype });
    });
  }
  return facts;
}

function factsOf(tensor: Tensor): Facts {
  return { constant: tensor, rank: tensor.dims.length, dtype: tensor.dtype };
}

function outputFacts(node: Node, inputs: readonly Facts[]): Facts {
  const { op, domain, attributes } = node;
  if (domain !== "") return {};
  if (op === "Constant") return attributes.value?.kind === "tensor" ? factsOf(attributes.value.value) : {};
  if (op === "Identity") return inputs[0] ?? {};
  return { rank: outputRank(op, inputs), dtype: outputType(node, inputs) };
}

function outputRank(op: string, inputs: readonly Facts[]): number | undefined {
  const ranks = inputs.map(({ rank }) => rank);
  if (keepsRank.has(op)) return ranks[0];
  if (op === "Gemm" || op === "Flatten") return 2;
  if (op === "Reshape") return inputs[1]?.constant?.dims[0];
  if (broadcasts.has(op)) return ranks.includes(undefined) ? undefined : Math.max(...(ranks as number[]));
  if (op === "MatMul") {
    const [a = 0, b = 0] = ranks;
    return a < 2 || b < 2 ? undefined : Math.max(a, b);
  }
  return undefined;
}

function outputType({ op, attributes }: Node, inputs: readonly Facts[]): DataType | undefined {
  if (op === "Cast") return attributes.to?.kind === "int" ? dtypeOf(attributes.to.value) : undefined;
  if (changesType.has(op)) return undefined;
  return inputs[op === "Where" ? 1 : 0]?.dtype;
}
