/** Operators whose number attributes became inputs: Clip and Pad (11), Dropout (12). */
import { type Node, text } from "../../onnx/index.js";
import { tensorOf } from "../../ops/expressions.js";
import { attributesOf, cannotUpgrade, stemOf, trimmed, type UpgradeRule, without } from "./context.js";

/** Clip: min and max are inputs of the element type of the data since 11. */
export const clip: UpgradeRule = {
  ops: ["Clip"],
  until: 11,
  rewrite(node, context) {
    const data = node.inputs[0] ?? "";
    const attributes = attributesOf(node);
    const casts: Node[] = [];
    const limits = ["min", "max"].map((name) => {
      if (!attributes.has(name)) return "";
      const scalar = context.scalarLike(node, name, attributes.float(name), data);
      casts.push(...scalar.cast);
      return scalar.name;
    });
    return [
      ...casts,
      { ...node, inputs: trimmed([data, ...limits]), attributes: without(node.attributes, "min", "max") },
    ];
  },
};

/** Pad: pads and value are inputs since 11. */
export const pad: UpgradeRule = {
  ops: ["Pad"],
  until: 11,
  rewrite(node, context) {
    const attributes = attributesOf(node);
    const data = node.inputs[0] ?? "";
    const value = context.scalarLike(node, "value", attributes.float("value", 0), data);
    const constantMode = attributes.string("mode", "constant") === "constant";
    const inputs = [
      data,
      context.integers(node, "pads", attributes.ints("pads")),
      ...(constantMode ? [value.name] : []),
    ];
    return [
      ...(constantMode ? value.cast : []),
      { ...node, inputs, attributes: without(node.attributes, "pads", "value") },
    ];
  },
};

/**
 * Dropout: the ratio is an input since 12. Both definitions pass the data through outside training; a mask that something
 * reads is refused, because its type and its values changed.
 */
export const dropout: UpgradeRule = {
  ops: ["Dropout"],
  until: 12,
  rewrite(node, context) {
    const [output = "", mask = ""] = node.outputs;
    if (context.isRead(mask)) throw cannotUpgrade(node, context, "its mask is used");
    const ratio = tensorOf(attributesOf(node).float("ratio", 0.5), "float32", []);
    const inputs = [node.inputs[0] ?? "", context.constant(`${stemOf(node)}_ratio`, ratio)];
    return [{ ...node, inputs, outputs: [output], attributes: without(node.attributes, "ratio") }];
  },
};

/** RoiAlign: sampling was shifted by half a pixel in 16; the old positions have a name there. */
export const roiAlign: UpgradeRule = {
  ops: ["RoiAlign"],
  until: 16,
  rewrite: (node) => [
    { ...node, attributes: { ...node.attributes, coordinate_transformation_mode: text("output_half_pixel") } },
  ],
};
