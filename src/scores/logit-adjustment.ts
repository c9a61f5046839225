import { OptionError, ShapeError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import { type Expr, sub, tensorOf } from "../ops/index.js";

/**
 * Logits without the advantage that frequent classes have after training on a long-tailed set,
 *
 *   f_c(x) - τ log π_c,      π_c = n_c / Σ_j n_j
 *
 * Menon, Jayasumana, Rawat, Jain, Veit and Kumar, "Long-tail learning via logit adjustment", ICLR 2021, eq. 9. They
 * predict; out-of-distribution scores are computed from the logits as they are.
 *
 * @param logits       float [N, K] or [N, K, H, W]
 * @param classCounts  training images of each class, K numbers > 0
 * @param tau          1 makes the prediction minimise the balanced error; 0 changes nothing
 * @returns the shape of the logits
 * @throws OptionError for a count that is not a finite number > 0, or a tau that is not finite
 * @throws ShapeError for another number of counts than classes
 */
export function adjustedLogits(logits: Expr, classCounts: readonly number[], tau = 1): Expr {
  const where = "logit adjustment";
  const classes = logits.dims[1];
  if (classes !== classCounts.length) {
    throw new ShapeError({
      where,
      expected: `one count for each class of logits ${formatDims(logits.dims)}`,
      received: `${classCounts.length} counts`,
    });
  }
  const without = classCounts.findIndex((count) => !(count > 0 && count < Infinity));
  if (without >= 0) {
    throw new OptionError({
      where,
      expected: `a number of training images > 0 for class ${without}`,
      received: String(classCounts[without]),
      hint: "give the class counts of the set that the model was trained on",
    });
  }
  if (!Number.isFinite(tau)) throw new OptionError({ where, expected: "a finite tau", received: String(tau) });
  const total = classCounts.reduce((sum, count) => sum + count, 0);
  const shifts = classCounts.map((count) => tau * Math.log(count / total));
  // Along axis 1, whatever follows it.
  const dims = [classes, ...logits.dims.slice(2).map(() => 1)];
  return sub(logits, logits.builder.constant(tensorOf(shifts, "float32", dims)));
}
