import { add, type Expr, neg, type Operand, slice, softplus, squeeze, sub } from "../../ops/index.js";
import { ofClass } from "../cross-entropy.js";

/**
 * What a gambler loses on a pixel who bets p_y on its class and keeps p_{K+1}: the classes pay o for one, and what is kept stays,
 *
 *   -log ( p_y + p_{K+1} / o ),      p = softmax(f) over K + 1 outputs
 *
 * @param logProbability  log p, float32 [N, K + 1, H, W]
 * @param labels          [N, H, W]
 * @param kept            log(p_{K+1} / o) as {@link keptShare} gives it
 * @returns [N, H, W]; of no use where the label is no class
 */
export function gamblerCost(logProbability: Expr, labels: Expr, kept: Expr): Expr {
  return neg(logAddExp(ofClass(logProbability, labels), kept));
}

/**
 * `log(p_{K+1} / o)`, float32 [N, H, W].
 *
 * @param logPayoff  log o, a number or [N, H, W]
 */
export function keptShare(logProbability: Expr, classes: number, logPayoff: Operand): Expr {
  const abstention = slice(logProbability, { axes: [1], starts: [classes], ends: [classes + 1] });
  return sub(squeeze(abstention, [1]), logPayoff);
}

/** log(exp(a) + exp(b)), where exp would leave float32. */
const logAddExp = (a: Expr, b: Expr): Expr => add(a, softplus(sub(b, a)));
