/**
 * Converts models of operator sets 7 to 17 to 18, so that every rule above needs to know one definition of each operator.
 * The changes are those of ONNX's operator changelog (docs/Changelog.md); operators not named by a rule only gained element
 * types or options whose defaults are the old behaviour.
 */
import { UnsupportedError } from "../errors.js";
import { type Attribute, type Graph, type Model, type Node, origin } from "../onnx/index.js";
import type { ModelProto } from "../onnx/onnx_pb.js";
import { axesBefore13, reductions, slice, split, topK } from "./upgrade/axes.js";
import { type ModelNames, namesOf, UpgradeContext, type UpgradeRule } from "./upgrade/context.js";
import { scan, scatter } from "./upgrade/renamed.js";
import { batchNormalization, softmax } from "./upgrade/reshaped.js";
import { resize10, resize11, upsample } from "./upgrade/resize.js";
import { clip, dropout, pad, roiAlign } from "./upgrade/scalars.js";

/** The operator set that models are converted to. */
const targetOpset = 18;
/** The version of the file format that came with it. */
const targetIrVersion = 8;

/** Of several rules for one operator the one with the lowest `until` above the model's operator set applies. */
const rules: readonly UpgradeRule[] = [
  reductions,
  axesBefore13,
  split,
  slice,
  topK,
  clip,
  pad,
  dropout,
  roiAlign,
  softmax,
  batchNormalization,
  upsample,
  resize10,
  resize11,
  scatter,
  scan,
];

const rulesByOp = new Map<string, UpgradeRule[]>();
for (const rule of rules.toSorted((a, b) => a.until - b.until)) {
  for (const op of rule.ops) rulesByOp.set(op, [...(rulesByOp.get(op) ?? []), rule]);
}

/**
 * The same model with the standard operators of operator set 18. Tensors keep their names and values; a model of 18 or newer
 * is returned as it is. Models of IR version 3 become version 8, where initializers are constants.
 *
 * @throws UnsupportedError naming the node that operator set 18 cannot express
 */
export function upgradeModel(model: Model): Model {
  if (model.opset >= targetOpset) return model;
  const functions = (model[origin] as ModelProto | undefined)?.functions ?? [];
  if (functions.length > 0) {
    throw new UnsupportedError({
      where: `function "${functions[0]?.name ?? ""}"`,
      problem: `a model with functions of its own cannot be converted from operator set ${model.opset} to ${targetOpset}`,
      hint: "export the model again with opset_version=18",
    });
  }
  return {
    ...model,
    graph: upgradeGraph(model.graph, model.opset, namesOf(model.graph), undefined),
    opset: targetOpset,
    imports: new Map(model.imports).set("", targetOpset),
    irVersion: Math.max(model.irVersion, targetIrVersion),
  };
}

function upgradeGraph(graph: Graph, opset: number, names: ModelNames, outer: UpgradeContext | undefined): Graph {
  const context = new UpgradeContext(opset, graph, names, outer);
  const nodes = graph.nodes.flatMap((node) => upgradeNode(upgradeSubgraphs(node, context), context));
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...context.initializers]) };
}

function upgradeSubgraphs(node: Node, context: UpgradeContext): Node {
  const attributes = Object.entries(node.attributes);
  if (!attributes.some(([, { kind }]) => kind === "graph")) return node;
  const upgraded = attributes.map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.kind === "graph"
      ? { kind: "graph", value: upgradeGraph(attribute.value, context.opset, context.names, context) }
      : attribute,
  ]);
  return { ...node, attributes: Object.fromEntries(upgraded) };
}

function upgradeNode(node: Node, context: UpgradeContext): readonly Node[] {
  const rule = node.domain === "" ? rulesByOp.get(node.op)?.find(({ until }) => context.opset < until) : undefined;
  return rule === undefined ? [node] : rule.rewrite(node, context);
}
