/** Upsample (gone in 10) and Resize (10, 11, 13, 18). */
import { type Attributes, type Node, type Tensor, text } from "../../onnx/index.js";
import { tensorOf } from "../../ops/expressions.js";
import { attributesOf, cannotUpgrade, stemOf, trimmed, type UpgradeContext, type UpgradeRule } from "./context.js";

/** How Upsample and Resize 10 find source positions: output position / scale. */
const asymmetric = (node: Node, nearestMode: "floor" | "ceil"): Attributes => {
  const mode = attributesOf(node).string("mode", "nearest");
  return {
    mode: text(mode === "bilinear" ? "linear" : mode),
    coordinate_transformation_mode: text("asymmetric"),
    ...(mode === "nearest" ? { nearest_mode: text(nearestMode) } : {}),
  };
};

function scalesOf(node: Node, context: UpgradeContext): readonly number[] | undefined {
  const tensor = context.factsOf(node.inputs[1] ?? "").constant;
  return tensor === undefined ? undefined : Array.from(tensor.data as ArrayLike<number | bigint | string>, Number);
}

/** Upsample 7 has the scales as an attribute, Upsample 9 as an input. */
export const upsample: UpgradeRule = {
  ops: ["Upsample"],
  until: 10,
  rewrite(node, context) {
    const attributes = attributesOf(node);
    const given = attributes.floats("scales", []);
    const scales = attributes.has("scales")
      ? context.constant(`${stemOf(node)}_scales`, tensorOf(given, "float32", [given.length]))
      : (node.inputs[1] ?? "");
    if (scales === "") throw cannotUpgrade(node, context, "it has no scales");
    return [
      { ...node, op: "Resize", inputs: [node.inputs[0] ?? "", "", scales], attributes: asymmetric(node, "floor") },
    ];
  },
};

/**
 * Resize 10 in nearest mode took the position below where an axis grows and the one above where it shrinks (ONNX Runtime;
 * the specification left it open). A node that does both becomes two, one for the axes that grow and one for the others.
 */
export const resize10: UpgradeRule = {
  ops: ["Resize"],
  until: 11,
  rewrite(node, context) {
    const [data = "", scales = ""] = node.inputs;
    const resize = (input: string, by: string, output: string, nearest: "floor" | "ceil"): Node => ({
      ...node,
      inputs: [input, "", by],
      outputs: [output],
      attributes: asymmetric(node, nearest),
    });
    const output = node.outputs[0] ?? "";
    if (attributesOf(node).string("mode", "nearest") !== "nearest") return [resize(data, scales, output, "floor")];
    const values = scalesOf(node, context);
    if (values === undefined) throw cannotUpgrade(node, context, "its scales are computed while the model runs");
    if (values.every((scale) => scale >= 1)) return [resize(data, scales, output, "floor")];
    if (values.every((scale) => scale <= 1)) return [resize(data, scales, output, "ceil")];
    const part = (meaning: string, keep: (scale: number) => boolean) => {
      const tensor: Tensor = tensorOf(
        values.map((scale) => (keep(scale) ? scale : 1)),
        "float32",
        [values.length],
      );
      return context.constant(`${stemOf(node)}_${meaning}`, tensor);
    };
    const grown = context.fresh(`${stemOf(node)}_grown`);
    const grow = resize(
      data,
      part("grow", (scale) => scale > 1),
      grown,
      "floor",
    );
    return [
      { ...grow, name: grown },
      resize(
        grown,
        part("shrink", (scale) => scale < 1),
        output,
        "ceil",
      ),
    ];
  },
};

/** Resize 11 and later: inputs that are not used were empty tensors, and are left out since 13. */
export const resize11: UpgradeRule = {
  ops: ["Resize"],
  until: 18,
  rewrite(node, context) {
    if (attributesOf(node).string("coordinate_transformation_mode", "half_pixel") === "tf_half_pixel_for_nn") {
      throw cannotUpgrade(node, context, "the coordinate mode tf_half_pixel_for_nn was removed from ONNX");
    }
    const inputs = node.inputs.map((name, index) =>
      index > 0 && context.factsOf(name).constant?.dims.includes(0) ? "" : name,
    );
    return [{ ...node, inputs: trimmed(inputs) }];
  },
};
