/** What the upgrade rules know about the graph they change, and how they add to it. */
import { UnsupportedError } from "../../errors.js";
import { elementTypeNamed } from "../../onnx/element-types.js";
import {
  type Attributes,
  describeNode,
  type Graph,
  int,
  type Node,
  type Tensor,
  tensorsRead,
} from "../../onnx/index.js";
import { toInt64 } from "../../onnx/int64.js";
import { AttributeReader } from "../../ops/attributes.js";
import { tensorOf } from "../../ops/expressions.js";
import { type Facts, inferFacts } from "./facts.js";

/** Turns a node of an older operator set into nodes of operator set 18 that make the same outputs. */
export interface UpgradeRule {
  readonly ops: readonly string[];
  /** First operator set whose definition of the operator needs no change. */
  readonly until: number;
  rewrite(node: Node, context: UpgradeContext): readonly Node[];
}

/** Names in the whole model, subgraphs included. */
export interface ModelNames {
  /** Names of tensors and of nodes, which must differ among themselves as well. */
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
      taken.add(node.name);
      for (const output of node.outputs) taken.add(output);
      for (const name of tensorsRead(node)) read.add(name);
      for (const attribute of Object.values(node.attributes)) if (attribute.kind === "graph") visit(attribute.value);
    }
  };
  visit(graph);
  return { taken, read };
}

export class UpgradeContext {
  readonly initializers = new Map<string, Tensor>();
  private readonly facts: ReadonlyMap<string, Facts>;

  /**
   * @param opset  the operator set that the graph is written for
   * @param outer  the graph around this subgraph
   */
  constructor(
    readonly opset: number,
    graph: Graph,
    readonly names: ModelNames,
    private readonly outer: UpgradeContext | undefined,
  ) {
    this.facts = inferFacts(graph, (name) => outer?.factsOf(name) ?? {});
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
    const data = BigInt64Array.from(values, toInt64);
    return this.constant(`${stemOf(node)}_${meaning}`, { dtype: "int64", dims: [values.length], data });
  }

  /** A scalar of the element type of another tensor. `cast` holds the node that makes it, if it needs one. */
  scalarLike(node: Node, meaning: string, value: number, like: string): { name: string; cast: Node[] } {
    const dtype = this.factsOf(like).dtype ?? "float32";
    const stem = `${stemOf(node)}_${meaning}`;
    if (dtype !== "float16" && dtype !== "bfloat16") {
      return { name: this.constant(stem, tensorOf(value, dtype, [])), cast: [] };
    }
    const wide = this.constant(`${stem}_float`, tensorOf(value, "float32", []));
    const name = this.fresh(stem);
    const to = int(elementTypeNamed(dtype, describeNode(node)).code);
    return { name, cast: [newNode("Cast", [wide], [name], { to })] };
  }

  /** What is known of a tensor, here or in the graphs around. */
  factsOf(name: string): Facts {
    return this.facts.get(name) ?? this.outer?.factsOf(name) ?? {};
  }

  /** Whether anything in the model uses a tensor. */
  isRead(name: string): boolean {
    return name !== "" && this.names.read.has(name);
  }
}

/** What names derived from a node begin with. */
export function stemOf(node: Node): string {
  return node.name !== "" ? node.name : (node.outputs.find((output) => output !== "") ?? node.op);
}

/** A node that the upgrade adds. Its outputs are new names, of which the first is its own name too. */
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
