/**
 * Builds ONNX graphs from tensor expressions. Every appended node gets its shape at once, constants are folded, and equal
 * nodes are shared, so that rules may be written without care for repetition.
 */
import { GraphError, UnsupportedError } from "../errors.js";
import {
  type Attribute,
  type Attributes,
  type DataType,
  type Dim,
  elementCount,
  type Graph,
  type Model,
  type Node,
  type Tensor,
} from "../onnx/types.js";
import type { Builder, CustomGradient, Expr, OpOptions, ShapeCall, ValueType } from "../ops/index.js";
import { AttributeReader, findRule, first } from "../ops/index.js";

/** Constants of more elements than this are weights, not shape arithmetic, and are never folded. */
const foldLimit = 4096;

/** Oldest standard operator set that graphs are built for: reductions take their axes as an input from 18 on. */
export const minimumOpset = 18;

/** A node with its operands resolved, as differentiation walks them. */
export interface BuiltNode {
  readonly node: Node;
  readonly inputs: readonly (Expr | undefined)[];
  readonly outputs: readonly Expr[];
  /** Present on the nodes that end a region with a hand-written gradient; one object for all its outputs. */
  readonly custom?: CustomRegion;
}

export interface CustomRegion {
  readonly inputs: readonly Expr[];
  readonly outputs: readonly Expr[];
  readonly gradient: CustomGradient;
}

export class GraphBuilder implements Builder {
  readonly nodes: BuiltNode[] = [];
  readonly inputs: Expr[] = [];
  private readonly constants = new Map<string, Tensor>();
  private readonly shared = new Map<string, readonly Expr[]>();
  private readonly names = new Set<string>();
  private readonly nodeNames = new Set<string>();
  private readonly attributeIds = new Map<Attribute, string>();
  private counter = 0;

  /**
   * @param opset  of the standard operators
   * @param block  channels per block where gradients may use the blocked layout
   */
  constructor(
    readonly opset = minimumOpset,
    readonly block?: number,
  ) {
    if (opset < minimumOpset) {
      throw new UnsupportedError({
        expected: `operator set ${minimumOpset} or newer to build for`,
        received: String(opset),
      });
    }
  }

  /** Declares a graph input. */
  input(name: string, dtype: DataType, dims: readonly Dim[]): Expr {
    if (this.names.has(name)) throw new GraphError({ problem: `two tensors of one graph are called "${name}"` });
    const value = this.value(name, { dtype, dims });
    this.inputs.push(value);
    return value;
  }

  constant(tensor: Tensor): Expr {
    const key = tensor.dims.length <= 1 && elementCount(tensor.dims) <= 64 ? constantKey(tensor) : undefined;
    const known = key === undefined ? undefined : this.shared.get(key);
    if (known !== undefined) return first(known);
    const name = this.freshName("constant");
    this.constants.set(name, tensor);
    const value = this.value(name, tensor, tensor);
    if (key !== undefined) this.shared.set(key, [value]);
    return value;
  }

  /** A weight under a name of its own: never folded, never shared. */
  initializer(name: string, tensor: Tensor): Expr {
    if (this.names.has(name)) throw new GraphError({ problem: `two tensors of one graph are called "${name}"` });
    this.constants.set(name, tensor);
    return this.value(name, tensor);
  }

  op(
    type: string,
    inputs: readonly (Expr | undefined)[],
    attributes: Attributes = {},
    { name = "", domain = "", outputs = 1 }: OpOptions = {},
  ): Expr[] {
    const key = this.nodeKey(type, domain, inputs, attributes, outputs);
    const known = this.shared.get(key);
    if (known !== undefined) return [...known];
    const where = `node "${name || this.freshName(type)}" (${type})`;
    const rule = findRule(type, domain);
    if (rule === undefined) {
      throw new UnsupportedError({
        where,
        problem: `Offmap has no rule for the operator ${domain === "" ? type : `${domain}.${type}`}`,
        hint: "docs/operators.md lists those it has, for frozen parts and for training; export the model with others",
      });
    }
    const call: ShapeCall = {
      op: type,
      where,
      inputs,
      attributes: new AttributeReader(attributes, where),
      outputCount: outputs,
      opset: this.opset,
    };
    const types = rule.shape(call);
    const folded =
      rule.fold === undefined || !(rule.foldsFromTypes || foldable(inputs, types))
        ? undefined
        : rule.fold({ ...call, constants: inputs.map((x) => x?.constant) });
    const results =
      folded?.map((tensor) => this.constant(tensor)) ?? this.append(type, inputs, attributes, types, name, domain);
    this.shared.set(key, results);
    return results;
  }

  withGradient(inputs: readonly Expr[], compute: () => Expr[], gradient: CustomGradient): Expr[] {
    // A fresh Identity per output gives the region outputs of its own, which sharing must not merge with anything else.
    const inner = compute();
    const outputs: Expr[] = inner.map((x) => this.value(this.freshName("region"), x));
    const region: CustomRegion = { inputs, outputs, gradient };
    inner.forEach((x, index) => {
      const out = outputs[index] as Expr;
      const node: Node = {
        name: out.name,
        op: "Identity",
        domain: "",
        inputs: [x.name],
        outputs: [out.name],
        attributes: {},
      };
      this.nodeNames.add(node.name);
      this.nodes.push({ node, inputs: [x], outputs: [out], custom: region });
    });
    return outputs;
  }

  /**
   * The finished graph with the given outputs, in order. Nodes, inputs and initializers that none of them needs are left out.
   */
  build(outputs: Readonly<Record<string, Expr>>, name = "offmap"): Graph {
    const kept = this.neededFor(Object.values(outputs));
    const needed = new Set(Object.values(outputs).map((x) => x.name));
    for (const { inputs } of kept) for (const input of inputs) if (input !== undefined) needed.add(input.name);
    const nodes = kept.map((built) => built.node);
    // One Identity per output names it; ONNX Runtime removes those that only rename.
    for (const [alias, x] of Object.entries(outputs)) {
      nodes.push({
        name: `output ${alias}`,
        op: "Identity",
        domain: "",
        inputs: [x.name],
        outputs: [alias],
        attributes: {},
      });
    }
    return {
      name,
      inputs: this.inputs.filter((x) => needed.has(x.name)).map(({ name, dtype, dims }) => ({ name, dtype, dims })),
      outputs: Object.entries(outputs).map(([alias, { dtype, dims }]) => ({ name: alias, dtype, dims })),
      nodes,
      initializers: new Map([...this.constants].filter(([constant]) => needed.has(constant))),
    };
  }

  /** The nodes that the given values depend on, in order. */
  neededFor(values: readonly Expr[]): BuiltNode[] {
    const needed = new Set(values.map((x) => x.name));
    const kept: BuiltNode[] = [];
    for (const built of this.nodes.toReversed()) {
      if (!built.outputs.some((out) => needed.has(out.name))) continue;
      kept.push(built);
      for (const input of built.inputs) if (input !== undefined) needed.add(input.name);
    }
    return kept.reverse();
  }

  /** The finished graph as a model that ONNX Runtime loads. */
  model(outputs: Readonly<Record<string, Expr>>, name?: string): Model {
    const graph = this.build(outputs, name);
    const domains = new Set(graph.nodes.map((node) => node.domain));
    domains.delete("");
    return {
      graph,
      opset: this.opset,
      imports: new Map([["", this.opset], ...[...domains].map((domain) => [domain, 1] as const)]),
      // IR 8 came with opset 18, IR 10 with opset 21; ONNX Runtime 1.30 takes both.
      irVersion: this.opset > 20 ? 10 : 8,
      producer: "offmap",
      metadata: new Map(),
    };
  }

  private append(
    type: string,
    inputs: readonly (Expr | undefined)[],
    attributes: Attributes,
    types: readonly ValueType[],
    name: string,
    domain: string,
  ): Expr[] {
    const outputs = types.map((output) => this.value(this.freshName(type), output));
    // A model that another builder made brings node names that may be those this one found for nodes without one.
    const nodeName = name === "" || this.nodeNames.has(name) ? (outputs[0]?.name ?? type) : name;
    this.nodeNames.add(nodeName);
    const node: Node = {
      name: nodeName,
      op: type,
      domain,
      inputs: inputs.map((x) => x?.name ?? ""),
      outputs: outputs.map((x) => x.name),
      attributes,
    };
    this.nodes.push({ node, inputs, outputs });
    return outputs;
  }

  private value(name: string, { dtype, dims }: ValueType, constant?: Tensor): Expr {
    this.names.add(name);
    return { builder: this, name, dtype, dims, ...(constant === undefined ? {} : { constant }) };
  }

  private freshName(stem: string): string {
    let name: string;
    do name = `${stem}_${this.counter++}`;
    while (this.names.has(name) || this.nodeNames.has(name));
    return name;
  }

  private nodeKey(
    type: string,
    domain: string,
    inputs: readonly (Expr | undefined)[],
    attributes: Attributes,
    outputs: number,
  ): string {
    for (const x of inputs) {
      if (x !== undefined && x.builder !== this) {
        throw new GraphError({ where: type, problem: `tensor "${x.name}" belongs to another graph` });
      }
    }
    const described = Object.keys(attributes)
      .sort()
      .map((key) => `${key}=${this.attributeKey(attributes[key] as Attribute)}`);
    return JSON.stringify([domain, type, outputs, inputs.map((x) => x?.name ?? ""), described]);
  }

  /** Scalars and lists by value; tensors and subgraphs by identity. */
  private attributeKey(attribute: Attribute): string {
    if (attribute.kind !== "tensor" && attribute.kind !== "graph" && attribute.kind !== "other") {
      return JSON.stringify(attribute, (_, value: unknown) => (typeof value === "number" ? numberKey(value) : value));
    }
    const known = this.attributeIds.get(attribute) ?? `#${this.attributeIds.size}`;
    this.attributeIds.set(attribute, known);
    return known;
  }
}

function foldable(inputs: readonly (Expr | undefined)[], types: readonly ValueType[]): boolean {
  const small = (dims: readonly Dim[]) =>
    dims.every((dim) => typeof dim === "number") && elementCount(dims as number[]) <= foldLimit;
  return (
    inputs.every((x) => x === undefined || (x.constant !== undefined && small(x.dims))) &&
    types.every(({ dims }) => small(dims))
  );
}

function constantKey({ dtype, dims, data }: Tensor): string {
  const values = Array.from(data as ArrayLike<number | bigint | string>, (value) =>
    typeof value === "number" ? numberKey(value) : String(value),
  );
  return JSON.stringify(["constant", dtype, dims, values]);
}

/** JSON has one word for NaN and both infinities, and one for both zeros. */
const numberKey = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));
