/** Maps as rows, one for each position, and which pixels of an image are looked at. */
import type { Size } from "../../data/index.js";
import { type Expr, reshape, transpose } from "../../ops/index.js";

/** Pixels of one image that are looked at, at most. */
const mostPixels = 4096;

/** Step between the pixels that are looked at, along either axis. */
export const stepOf = ({ height, width }: Size): number =>
  Math.max(1, Math.ceil(Math.sqrt((height * width) / mostPixels)));

/** Features [1, D, h, w] as [h, w, D]. */
export function rowsOf(features: Expr): Expr {
  const [, dimension, height, width] = features.dims as [unknown, number, number, number];
  return reshape(transpose(features, [0, 2, 3, 1]), [height, width, dimension]);
}
