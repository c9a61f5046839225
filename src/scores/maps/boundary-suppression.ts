import { OptionError, ShapeError } from "../../errors.js";
import { formatDims, ints, text } from "../../onnx/types.js";
import {
  and,
  cast,
  div,
  type Expr,
  first,
  greater,
  indicator,
  integers,
  maximum,
  neg,
  sameDims,
  sub,
  tensorOf,
  where,
} from "../../ops/index.js";
import { sizeOf } from "./map-size.js";

export interface BoundarySuppressionOptions {
  /** How far from a boundary scores are replaced in the first iteration, in pixels, a multiple of `iterations`; 4 by default, for images of 2048 x 1024. */
  readonly width?: number;
  /** How often; the boundary narrows from one to the next. 4 by default. */
  readonly iterations?: number;
}

/**
 * Iterative boundary suppression of an anomaly map. Where two predicted classes meet, neither has a large logit, and every boundary looks like an
 * anomaly. So scores near a boundary are replaced by those further away, from the outside inwards:
 *
 *   boundary   a pixel whose largest class index in the cross around it is not the smallest one in the 3x3 square around it
 *   B_r        all pixels within r steps (up, down, left, right) of a boundary
 *   repeat     for i = 0, 1, ... with r = width - 1 - i·width/iterations, and r = 0 the last time: a pixel in B_r gets the mean of those of its 3x3
 *              neighbours that are not in B_r; it keeps its score where there are none
 *
 * The outermost pixels are repeated beyond the border of the image.
 *
 * Jung, Lee, Gwak, Choi and Choo, "Standardized Max Logits: A Simple yet Effective Approach for Identifying Unexpected Road
 * Obstacles in Urban-Scene Segmentation", ICCV 2021; details by their code.
 *
 * @param map        float32 [N, 1, H, W], H and W known
 * @param predicted  class of each pixel, integer [N, 1, H, W], below 2^24
 * @returns float32 [N, 1, H, W]
 * @throws ShapeError for other shapes
 * @throws OptionError for numbers that are not whole and ≥ 1, or a width that is no multiple of the iterations
 */
export function boundarySuppression(
  map: Expr,
  predicted: Expr,
  { width = 4, iterations = 4 }: BoundarySuppressionOptions = {},
): Expr {
  sizeOf(map, "boundary suppression", 1);
  if (!sameDims(map.dims, predicted.dims)) {
    throw new ShapeError({
      where: "boundary suppression",
      expected: `predicted classes ${formatDims(map.dims)}, one per score`,
      received: formatDims(predicted.dims),
    });
  }
  if (!Number.isInteger(iterations) || iterations < 1 || !Number.isInteger(width / iterations) || width < 1) {
    throw new OptionError({
      where: "boundary suppression",
      expected: "a width that is a multiple of the iterations, both whole numbers ≥ 1",
      received: `width ${width}, ${iterations} iterations`,
    });
  }
  const within = [boundaryOf(cast(predicted, "float32"))];
  for (let radius = 1; radius < width; radius++) within.push(crossMaximum(within[radius - 1] as Expr));
  let scores = map;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const radius = iteration === iterations - 1 ? 0 : width - 1 - (iteration * width) / iterations;
    scores = replaced(scores, within[radius] as Expr);
  }
  return scores;
}

/** 1 at boundaries and 0 elsewhere. */
function boundaryOf(classes: Expr): Expr {
  const smallest = neg(windowMaximum(neg(classes), [3, 3]));
  return indicator(greater(crossMaximum(classes), smallest));
}

const crossMaximum = (x: Expr): Expr => maximum(windowMaximum(x, [3, 1]), windowMaximum(x, [1, 3]));

/** Largest value of the window around each pixel, as far as it lies in the image. */
function windowMaximum(x: Expr, kernel: readonly [number, number]): Expr {
  const pads = kernel.map((size) => (size - 1) / 2);
  return first(x.builder.op("MaxPool", [x], { kernel_shape: ints(kernel), pads: ints([...pads, ...pads]) }));
}

/** The mean of the neighbours outside of the boundary, at its pixels that have any. */
function replaced(scores: Expr, boundary: Expr): Expr {
  const isBoundary = greater(boundary, 0.5);
  const sums = neighbourSum(where(isBoundary, 0, scores));
  const counts = neighbourSum(sub(1, boundary));
  return where(and(isBoundary, greater(counts, 0.5)), div(sums, maximum(counts, 1)), scores);
}

function neighbourSum(x: Expr): Expr {
  const { builder } = x;
  const framed = first(builder.op("Pad", [x, integers(builder, [0, 0, 1, 1, 0, 0, 1, 1])], { mode: text("edge") }));
  return first(builder.op("Conv", [framed, builder.constant(tensorOf(Array(9).fill(1), x.dtype, [1, 1, 3, 3]))]));
}
