/** What a model is made of, seen by someone who wants to fine-tune it. */
import { type DataType, type Dim, elementCount, type Graph, type Model, type Node } from "../onnx/types.js";
import { AttributeReader, findRule } from "../ops/index.js";
import { neededNodes } from "./import.js";
import { withLiftedWeights } from "./lift-weights.js";
import { findParameters, headLayer, headOf, initializerSources, type Parameter } from "./parameters.js";
import { upgradeModel } from "./upgrade.js";

/** Whether training can go through an operator: `rule` yes, `none` it has no derivative, `missing` Offmap does not know it. */
export type GradientSupport = "rule" | "none" | "missing";

export interface ModelInspection {
  readonly opset: number;
  readonly ir_version: number;
  readonly producer: string;
  readonly inputs: readonly InspectedValue[];
  readonly outputs: readonly InspectedValue[];
  readonly parameters: {
    /** Numbers in all parameters together. */
    readonly count: number;
    readonly list: readonly InspectedParameter[];
  };
  /** By how often they occur, in the operator set that training uses. */
  readonly operators: readonly InspectedOperator[];
  /** What `--train head` trains; null for a model without layers. */
  readonly head: InspectedHead | null;
  readonly ends_in_softmax: boolean;
  /** Nodes without a gradient rule that would stop `--train head` and `--train all`. */
  readonly blocked: { readonly head: readonly string[]; readonly all: readonly string[] };
  readonly metadata: Readonly<Record<string, string>>;
}

export interface InspectedValue {
  readonly name: string;
  readonly dtype: DataType;
  /** null where the rank is unknown. */
  readonly dims: readonly Dim[] | null;
}

export interface InspectedParameter {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** First node that uses it. */
  readonly node: string;
  readonly op: string;
}

export interface InspectedOperator {
  readonly op: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  readonly count: number;
  readonly gradient: GradientSupport;
}

export interface InspectedHead {
  readonly node: string;
  readonly op: string;
  /** Tensors that cross from the frozen part into the trained one. */
  readonly features: readonly string[];
  readonly parameters: readonly string[];
  /** Numbers in these parameters together. */
  readonly count: number;
}

export function inspectModel(model: Model): ModelInspection {
  const { graph } = upgradeModel(withLiftedWeights(model));
  const parameters = findParameters(graph);
  const head = inspectHead(graph, parameters);
  const value = ({ name, dtype, dims }: Graph["inputs"][number]) => ({ name, dtype, dims: dims ?? null });
  const last = graph.nodes.find(({ outputs }) => outputs.includes(graph.outputs[0]?.name ?? ""));
  const names = (list: readonly Parameter[]) => new Set(list.map(({ name }) => name));
  const headNames = new Set(head?.parameters);
  return {
    opset: model.opset,
    ir_version: model.irVersion,
    producer: model.producer,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    parameters: {
      count: countNumbers(parameters),
      list: parameters.map(({ name, tensor: { dtype, dims }, node }) => ({
        name,
        dtype,
        dims,
        node: labelOf(node),
        op: node.op,
      })),
    },
    operators: countOperators(graph),
    head,
    ends_in_softmax: last?.op === "Softmax" || last?.op === "LogSoftmax",
    blocked: { head: blockedNodes(graph, headNames), all: blockedNodes(graph, names(parameters)) },
    metadata: Object.fromEntries(model.metadata),
  };
}

function inspectHead(graph: Graph, parameters: readonly Parameter[]): InspectedHead | null {
  const layer = headLayer(graph);
  if (layer === undefined) return null;
  const own = headOf(graph, parameters);
  const weights = initializerSources(graph);
  const features = layer.inputs.filter((name) => name !== "" && !weights.has(name));
  return {
    node: labelOf(layer),
    op: layer.op,
    features,
    parameters: own.map(({ name }) => name),
    count: countNumbers(own),
  };
}

/** Nodes without a rule on the way from the trained parameters to the first output. */
function blockedNodes(graph: Graph, trained: ReadonlySet<string>): string[] {
  const moving = new Set(trained);
  const blocked: string[] = [];
  for (const node of neededNodes(graph, { outputs: [graph.outputs[0]?.name ?? ""], bound: new Map() })) {
    if (!node.inputs.some((name) => moving.has(name))) continue;
    for (const name of node.outputs) moving.add(name);
    if (supportOf(node) === "missing") blocked.push(`${labelOf(node)} (${qualifiedOp(node)})`);
  }
  return blocked;
}

function countOperators(graph: Graph): InspectedOperator[] {
  const counts = new Map<string, { op: string; domain: string; count: number; gradient: GradientSupport }>();
  for (const node of graph.nodes) {
    const key = qualifiedOp(node);
    const known = counts.get(key);
    if (known !== undefined) known.count++;
    else counts.set(key, { op: node.op, domain: node.domain, count: 1, gradient: supportOf(node) });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1));
}

function supportOf({ name, op, domain, attributes }: Node): GradientSupport {
  const rule = domain === "" ? findRule(op) : undefined;
  if (rule === undefined || "missing" in rule.gradient) return "missing";
  if (rule.hasGradient?.(new AttributeReader(attributes, name)) === false) return "missing";
  return typeof rule.gradient === "function" ? "rule" : "none";
}

const countNumbers = (parameters: readonly Parameter[]) =>
  parameters.reduce((sum, { tensor }) => sum + elementCount(tensor.dims), 0);

/** A node without a name goes by its first output. */
const labelOf = ({ name, outputs }: Node) => (name === "" ? (outputs[0] ?? "") : name);

const qualifiedOp = ({ op, domain }: Node) => (domain === "" ? op : `${domain}.${op}`);
