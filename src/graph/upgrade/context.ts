/** What the upgrade rules know about the graph they change, and how they add to it. */
import { UnsupportedError } from "../../errors.js";
import { elementTypeNamed, dtypeOf as typeOfCode } from "../../onnx/element-types.js";
import {
  type Attributes,
  type DataType,
  describeNode,
  type Graph,
  int,
  type Node,
  origin,
  type Tensor,
  tensorsRead,
} from "../../onnx/index.js";
import type { GraphProto } from "../../onnx/onnx_pb.js";
import { decodeValueInfo } from "../../onnx/value-types.js";
import { AttributeReader } from "../../ops/attributes.js";
import { tensorOf } from "../../ops/expressions.js";

/** Turns a node of an older operator set into nodes of operator set 18 that make the same outputs. */
export interface UpgradeRule {
  readonly ops: readonly string[];
  /** First operator set whose definition of the operator needs no change. */
  readonly until: number;
  rewrite(node: Node, context: UpgradeContext): readonly Node[];
}

/** Names in use in the whole model, subgraphs included. */
export interface ModelNames {
  readonly taken: Set<string>;
  /** Tensors that some node or graph output reads. */
  readonly read: ReadonlySet<string>;
}

export function namesOf(graph: Graph): ModelNames {
  const taken = new Set<string>();
  const read = new Set<string>();
  const visit = ({ inputs, outputs, initializers, nodes }: Graph) => {
    for (const { name } of inputs) taken.add(name);
    for (const name of initializers.keys()) taken.add(name);
    for (const { name } of outputs) read.add(name);
    for (const node of nodes) {
      for (const output of node.outputs) taken.add(output);
      for (const name of tensorsRead(node)) read.add(name);
      for (const attribute of Object.values(node.attributes)) if (attribute.kind === "graph") visit(attribute.value);
    }
  };
  visit(graph);
  return { taken, read };
}

/** Operators whose first output has the rank of their first input. */
const keepsRank = new Set(
  (
    "Relu LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Erf Exp Log Neg Abs Sqrt Softplus Softmax LogSoftmax " +
    "Hardmax Clip Identity Dropout Cast BatchNormalization InstanceNormalization LRN Conv ConvTranspose MaxPool AveragePool " +
    "LpPool GlobalAveragePool GlobalMaxPool Transpose Pad Slice Concat Split Tile Resize Upsample Pow"
  ).split(" "),
);
const broadcasts = new Set(["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"]);
/** Producers are followed back this far to find a rank or an element type. */
const searchDepth = 200;

export class UpgradeContext {
  readonly initializers = new Map<string, Tensor>();
  private readonly producers: ReadonlyMap<string, Node>;
  private readonly declared: ReadonlyMap<string, { readonly dtype: DataType; readonly rank: number | undefined }>;

  /**
   * @param opset  the operator set that the graph is written for
   * @param outer  the graph around this subgraph
   */
  constructor(
    readonly opset: number,
    private readonly graph: Graph,
    readonly names: ModelNames,
    private readonly outer: UpgradeContext | undefined,
  ) {
    this.producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
    const intermediate = (graph[origin] as GraphProto | undefined)?.valueInfo ?? [];
    this.declared = new Map(
      [...intermediate.map((value) => decodeValueInfo(value, graph.name)), ...graph.inputs, ...graph.outputs].map(
        ({ name, dtype, dims }) => [name, { dtype, rank: dims?.length }],
      ),
    );
  }

  /** A tensor name that the model does not use yet. */
  fresh(stem: string): string {
    let name = stem;
    for (let count = 1; this.names.taken.has(name); count++) name = `${stem}_${count}`;
    this.names.taken.add(name);
    return name;
  }

  /** Stores a constant and returns its name. */
  constant(stem: string, tensor: Tensor): string {
    const name = this.fresh(stem);
    this.initializers.set(name, tensor);
    return name;
  }

  /** A one-dimensional int64 constant, as operators take axes, sizes and positions. */
  integers(node: Node, meaning: string, values: readonly number[]): string {
    return this.constant(`${stemOf(node)}_${meaning}`, tensorOf(values, "int64", [values.length]));
  }

  /** A scalar of the element type of another tensor. `cast` holds the node that makes it, if it needs one. */
  scalarLike(node: Node, meaning: string, value: number, like: string): { name: string; cast: Node[] } {
    const dtype = this.dtypeOf(like) ?? "float32";
    const stem = `${stemOf(node)}_${meaning}`;
    if (dtype !== "float16" && dtype !== "bfloat16") {
      return { name: this.constant(stem, tensorOf(value, dtype, [])), cast: [] };
    }
    const wide = this.constant(`${stem}_float`, tensorOf(value, "float32", []));
    const name = this.fresh(stem);
    const to = int(elementTypeNamed(dtype, describeNode(node)).code);
    return { name, cast: [newNode("Cast", [wide], [name], { to })] };
  }

  /** The value of a tensor that does not depend on the graph's inputs, where it is stored as such. */
  constantOf(name: string): Tensor | undefined {
    const stored = this.graph.initializers.get(name);
    if (stored !== undefined) return stored;
    const producer = this.producers.get(name);
    if (producer === undefined) return this.isInput(name) ? undefined : this.outer?.constantOf(name);
    if (producer.op === "Identity") return this.constantOf(producer.inputs[0] ?? "");
    const value = producer.op === "Constant" ? producer.attributes.value : undefined;
    return value?.kind === "tensor" ? value.value : undefined;
  }

  /** The rank of a tensor where it is declared or follows from the nodes before it. */
  rankOf(name: string, depth = searchDepth): number | undefined {
    const known = this.graph.initializers.get(name)?.dims.length ?? this.declared.get(name)?.rank;
    if (known !== undefined || depth === 0) return known;
    const producer = this.producers.get(name);
    if (producer === undefined) return this.isInput(name) ? undefined : this.outer?.rankOf(name, depth);
    const { op, inputs } = producer;
    const rank = (index: number) => this.rankOf(inputs[index] ?? "", depth - 1);
    if (keepsRank.has(op)) return rank(0);
    if (op === "Gemm" || op === "Flatten") return 2;
    if (op === "Reshape") return this.constantOf(inputs[1] ?? "")?.dims[0];
    if (op === "Constant") return this.constantOf(name)?.dims.length;
    if (broadcasts.has(op)) {
      const ranks = inputs.map((_, index) => rank(index));
      return ranks.includes(undefined) ? undefined : Math.max(...(ranks as number[]));
    }
    if (op === "MatMul") {
      const [a, b] = [rank(0), rank(1)];
      return a === undefined || b === undefined || a < 2 || b < 2 ? undefined : Math.max(a, b);
    }
    return undefined;
  }

  /** The element type of a tensor; most operators pass on that of their first input. */
  dtypeOf(name: string, depth = searchDepth): DataType | undefined {
    const declared = this.declared.get(name)?.dtype;
    const known = this.graph.initializers.get(name)?.dtype ?? (declared === "other" ? undefined : declared);
    if (known !== undefined || depth === 0) return known;
    const producer = this.producers.get(name);
    if (producer === undefined) return this.isInput(name) ? undefined : this.outer?.dtypeOf(name, depth);
    if (producer.op === "Constant") return this.constantOf(name)?.dtype;
    if (producer.op === "Cast") return typeOfCode(attributesOf(producer).int("to"));
    if (producer.op === "Shape" || producer.inputs.length === 0) return undefined;
    return this.dtypeOf(producer.inputs[producer.op === "Where" ? 1 : 0] ?? "", depth - 1);
  }

  /** Whether anything in the model uses a tensor. */
  isRead(name: string): boolean {
    return name !== "" && this.names.read.has(name);
  }

  private isInput(name: string): boolean {
    return this.graph.inputs.some((input) => input.name === name);
  }
}

/** What names derived from a node begin with. */
export function stemOf(node: Node): string {
  return node.name !== "" ? node.name : (node.outputs.find((output) => output !== "") ?? node.op);
}

/** A node that the upgrade adds. */
export function newNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): Node {
  return { name: outputs[0] ?? op, op, domain: "", inputs, outputs, attributes };
}

/** Attributes without the named ones. */
export function without(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** Drops absent inputs at the end, which ONNX wants left out. */
export function trimmed(names: readonly string[]): string[] {
  const last = names.findLastIndex((name) => name !== "");
  return names.slice(0, last + 1);
}

/** The attributes of a node with their kinds checked. */
export function attributesOf(node: Node): AttributeReader {
  return new AttributeReader(node.attributes, describeNode(node));
}

/** A node that operator set 18 cannot express, or that Offmap does not know how to. */
export function cannotUpgrade(node: Node, context: UpgradeContext, why: string): UnsupportedError {
  return new UnsupportedError({
    where: describeNode(node),
    problem: `it cannot be converted from operator set ${context.opset} to 18: ${why}`,
    hint: "export the model again with opset_version=18",
  });
}
