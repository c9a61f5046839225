import { ints, text } from "../../onnx/types.js";
import { type Expr, first, integers, sameDims } from "../../ops/index.js";

/**
 * Outputs of a network brought to the size of the image: bilinear, with the centres of pixels where they are in the image (`half_pixel`, PyTorch's
 * `align_corners=False`). Those of that size stay as they are.
 *
 * @param x  float32 [N, C, h, w] → [N, C, height, width]
 */
export function resizeLogits(x: Expr, height: number, width: number): Expr {
  if (sameDims(x.dims.slice(2), [height, width])) return x;
  const attributes = {
    mode: text("linear"),
    coordinate_transformation_mode: text("half_pixel"),
    axes: ints([2, 3]),
  };
  return first(x.builder.op("Resize", [x, undefined, undefined, integers(x.builder, [height, width])], attributes));
}
