/** Operators whose integer attributes became inputs: reductions (18, ReduceSum 13), Squeeze, Unsqueeze and Split (13), Slice and TopK (10). */
import { int, type Node } from "../../onnx/index.js";
import { attributesOf, type UpgradeContext, type UpgradeRule, without } from "./context.js";

/** Moves a list attribute to the second input; without the attribute there is no second input. */
function listToInput(node: Node, context: UpgradeContext, name: string): Node {
  const attributes = attributesOf(node);
  const values = attributes.has(name) ? attributes.ints(name) : undefined;
  const data = node.inputs[0] ?? "";
  return {
    ...node,
    inputs: values === undefined ? node.inputs : [data, context.integers(node, name, values)],
    attributes: without(node.attributes, name),
  };
}

/** Reductions but ReduceSum: axes are an input since 18. */
export const reductions: UpgradeRule = {
  ops: [
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
  ],
  until: 18,
  rewrite: (node, context) => [listToInput(node, context, "axes")],
};

/** ReduceSum, Squeeze, Unsqueeze: axes are an input since 13. */
export const axesBefore13: UpgradeRule = {
  ops: ["ReduceSum", "Squeeze", "Unsqueeze"],
  until: 13,
  rewrite: (node, context) => [listToInput(node, context, "axes")],
};

/** Split: the sizes are an input since 13; equal parts are asked for by `num_outputs` since 18. */
export const split: UpgradeRule = {
  ops: ["Split"],
  until: 18,
  rewrite(node, context) {
    const moved = listToInput(node, context, "split");
    if ((moved.inputs[1] ?? "") !== "") return [moved];
    const attributes = { ...moved.attributes, num_outputs: int(node.outputs.length) };
    return [{ ...moved, inputs: moved.inputs.slice(0, 1), attributes }];
  },
};

/** Slice: starts, ends and axes are inputs since 10. */
export const slice: UpgradeRule = {
  ops: ["Slice"],
  until: 10,
  rewrite(node, context) {
    const attributes = attributesOf(node);
    const starts = attributes.ints("starts");
    const ends = attributes.ints("ends");
    const axes = attributes.ints(
      "axes",
      starts.map((_, axis) => axis),
    );
    const limits = { starts, ends, axes };
    const added = Object.entries(limits).map(([meaning, values]) => context.integers(node, meaning, values));
    return [
      {
        ...node,
        inputs: [node.inputs[0] ?? "", ...added],
        attributes: without(node.attributes, "starts", "ends", "axes"),
      },
    ];
  },
};

/** TopK: k is an input since 10; 11 only added options whose defaults are the old behaviour. */
export const topK: UpgradeRule = {
  ops: ["TopK"],
  until: 10,
  rewrite(node, context) {
    const inputs = [node.inputs[0] ?? "", context.integers(node, "k", [attributesOf(node).int("k")])];
    return [{ ...node, inputs, attributes: without(node.attributes, "k") }];
  },
};
