import type { Node } from "../onnx/types.js";
import { AttributeReader } from "../ops/index.js";

/**
 * Whether a node averages a tensor [N, C, H, W] over all of its positions.
 *
 * @param size      H and W
 * @param constant  the values of a constant tensor, where it is one
 */
export function averagesAll(
  node: Node,
  size: readonly unknown[],
  constant: (name: string) => ArrayLike<number | bigint> | undefined,
): boolean {
  const attributes = new AttributeReader(node.attributes, node.name);
  switch (node.op) {
    case "GlobalAveragePool":
      return true;
    case "ReduceMean": {
      const axes = constant(node.inputs[1] ?? "") ?? [];
      const spatial = Array.from(axes, (axis) => (Number(axis) + 4) % 4).sort();
      return spatial.join() === "2,3";
    }
    case "AveragePool": {
      const padded = attributes.ints("pads", []).some((pad) => pad !== 0);
      return attributes.ints("kernel_shape", []).join() === size.join() && !padded;
    }
    default:
      return false;
  }
}
