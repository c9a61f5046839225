import type { Expr } from "../ops/index.js";
import { first } from "../ops/index.js";

/** The same value with no way for a gradient through it. */
export function stopGradient(x: Expr): Expr {
  return first(
    x.builder.withGradient(
      [x],
      () => [x],
      () => [undefined],
    ),
  );
}
