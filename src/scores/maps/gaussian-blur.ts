import { OptionError } from "../../errors.js";
import { int, ints, text } from "../../onnx/types.js";
import { type Expr, first, integers, tensorOf } from "../../ops/index.js";
import { sizeOf } from "./map-size.js";

/** Of both methods: 7x7, σ = 1 pixel. */
const size = 7;
const sigma = 1;

/**
 * Gaussian blur of an anomaly map: 7x7, σ = 1 pixel, the image reflected at its border (without its outermost row again), as torchvision's
 * `GaussianBlur(7, sigma=1)`. PEBAL (Tian et al., ECCV 2022) blurs its energy with it before pixels are ranked, as do both methods of Balanced Energy
 * for segmentation (Choi et al., CVPR 2023), by their codes; PEBAL's loss blurs its payoff with it.
 *
 * @param map  float [N, 1, H, W], H and W known and at least 4
 * @returns the same shape
 * @throws ShapeError for another shape
 */
export function gaussianBlur(map: Expr): Expr {
  sizeOf(map, "Gaussian blur", (size - 1) / 2 + 1);
  return blurred(map, 1, "reflect");
}

export interface DilatedSmoothingOptions {
  /** Pixels from one tap of the kernel to the next, ≥ 1; 6 by default, for images of 2048 x 1024. */
  readonly dilation?: number;
}

/**
 * Dilated smoothing of an anomaly map: a Gaussian of 7x7 taps, σ = 1 tap, that lie `dilation` pixels apart, so that a wide surrounding counts at the cost of a
 * small kernel; the outermost pixels are repeated beyond the border. The last step of standardized max logits (Jung, Lee, Gwak, Choi
 * and Choo, ICCV 2021), after boundary suppression.
 *
 * @param map  float [N, 1, H, W], H and W known
 * @returns the same shape
 * @throws ShapeError for another shape
 * @throws OptionError for a dilation that is not a whole number ≥ 1
 */
export function dilatedSmoothing(map: Expr, { dilation = 6 }: DilatedSmoothingOptions = {}): Expr {
  sizeOf(map, "dilated smoothing", 1);
  if (!Number.isInteger(dilation) || dilation < 1) {
    throw new OptionError({
      where: "dilated smoothing",
      expected: "a whole number ≥ 1 as dilation",
      received: String(dilation),
    });
  }
  return blurred(map, dilation, "edge");
}

/** The Gaussian is a product of one along the rows and one along the columns: 14 taps for 49. */
function blurred(map: Expr, dilation: number, border: "reflect" | "edge"): Expr {
  const reach = (dilation * (size - 1)) / 2;
  const framed = first(
    map.builder.op("Pad", [map, integers(map.builder, [0, 0, reach, reach, 0, 0, reach, reach])], {
      mode: text(border),
    }),
  );
  const bell = Array.from({ length: size }, (_, tap) => Math.exp(-((tap - (size - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const total = bell.reduce((sum, value) => sum + value, 0);
  const weights = bell.map((value) => value / total);
  const along = (x: Expr, kernel: readonly [number, number]) =>
    first(
      x.builder.op("Conv", [x, x.builder.constant(tensorOf(weights, x.dtype, [1, 1, ...kernel]))], {
        dilations: ints([dilation, dilation]),
        group: int(1),
      }),
    );
  return along(along(framed, [size, 1]), [1, size]);
}
