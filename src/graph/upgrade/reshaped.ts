/** Operators whose old definition worked on a two-dimensional view: Softmax, LogSoftmax, Hardmax (13) and BatchNormalization with spatial = 0 (9). */
import { int, type Node } from "../../onnx/index.js";
import {
  attributesOf,
  cannotUpgrade,
  newNode,
  stemOf,
  trimmed,
  type UpgradeContext,
  type UpgradeRule,
  without,
} from "./context.js";

/**
 * Puts Flatten before and Reshape after a node. Flatten at `axis` makes [product of dims before axis, product of the rest];
 * the Reshape takes the shape from the data, so that the rank need not be known.
 */
function flattened(
  node: Node,
  context: UpgradeContext,
  axis: number,
  inner: (flat: string, output: string) => Node[],
): Node[] {
  const data = node.inputs[0] ?? "";
  const fresh = (part: string) => context.fresh(`${stemOf(node)}_${part}`);
  const [flat, output, shape, reshape] = [fresh("flat"), fresh("flat_output"), fresh("shape"), fresh("reshape")];
  return [
    newNode("Flatten", [data], [flat], { axis: int(axis) }),
    ...inner(flat, output),
    newNode("Shape", [data], [shape]),
    { ...newNode("Reshape", [output, shape], [node.outputs[0] ?? ""]), name: reshape },
  ];
}

/** Before 13 the axis split the shape in two and the operator ran over everything after it; since 13 it runs over that axis alone. */
export const softmax: UpgradeRule = {
  ops: ["Softmax", "LogSoftmax", "Hardmax"],
  until: 13,
  rewrite(node, context) {
    const axis = attributesOf(node).int("axis", 1);
    const rank = context.factsOf(node.inputs[0] ?? "").rank ?? context.factsOf(node.outputs[0] ?? "").rank;
    const attributes = { axis: int(-1) };
    if (axis === -1 || axis + 1 === rank) return [{ ...node, attributes }];
    return flattened(node, context, axis, (flat, output) => [
      { ...node, inputs: [flat], outputs: [output], attributes },
    ]);
  },
};

/**
 * BatchNormalization before 14: more than one output meant training, which an attribute says since; the saved statistics, the
 * last two outputs, are gone. Before 9, spatial = 0 asked for statistics per activation: flat, each activation is a channel.
 */
export const batchNormalization: UpgradeRule = {
  ops: ["BatchNormalization"],
  until: 14,
  rewrite(node, context) {
    const [output = "", mean = "", variance = "", ...saved] = node.outputs;
    if (saved.some((name) => context.isRead(name))) {
      throw cannotUpgrade(node, context, "the statistics it saves for a gradient are used");
    }
    const training = node.outputs.slice(1).some((name) => name !== "");
    const attributes = {
      ...without(node.attributes, "spatial"),
      ...(training ? { training_mode: int(1) } : {}),
    };
    const outputs = trimmed([output, mean, variance]);
    const spatial = context.opset >= 9 || attributesOf(node).int("spatial", 1) !== 0;
    if (spatial) return [{ ...node, outputs, attributes }];
    if (training) throw cannotUpgrade(node, context, "it trains statistics per activation");
    const flat = context.integers(node, "flat_shape", [-1]);
    const parameters = node.inputs.slice(1).map((parameter) => {
      const name = context.fresh(`${parameter}_flat`);
      return newNode("Reshape", [parameter, flat], [name]);
    });
    return flattened(node, context, 1, (data, result) => [
      ...parameters,
      { ...node, inputs: [data, ...parameters.flatMap(({ outputs }) => outputs)], outputs: [result], attributes },
    ]);
  },
};
