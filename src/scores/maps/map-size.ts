import { ShapeError } from "../../errors.js";
import { formatDims } from "../../onnx/types.js";
import type { Expr } from "../../ops/index.js";

/**
 * Refuses what is no map of one channel with a known size. The size must be known because the border is extended.
 *
 * @param smallest  of height and width
 * @throws ShapeError for another shape
 */
export function sizeOf(map: Expr, where: string, smallest: number): void {
  const [, channels, ...sizes] = map.dims;
  const known = sizes.every((dim) => typeof dim === "number" && dim >= smallest);
  if (map.dims.length === 4 && channels === 1 && known) return;
  throw new ShapeError({
    where,
    expected: `a map [N, 1, H, W], H and W known${smallest > 1 ? ` and at least ${smallest}` : ""}`,
    received: formatDims(map.dims),
    hint: "give the model a fixed image size",
  });
}
