// Logits as the logarithms of the concentrations of a Dirichlet distribution over class probabilities: α_c = exp f_c, α_0 = Σ α_c.
import { add, type Expr, exp, mul, neg, sub, sum } from "../../ops/index.js";
import { energy } from "../energy.js";
import { digammaRest, halfLogTwoPi, logGammaRest } from "./gamma-functions.js";

/**
 * Differential entropy of the Dirichlet distribution with concentrations exp f,
 *
 *   h = Σ ln Γ(α_c) - ln Γ(α_0) - Σ (α_c - 1)(ψ(α_c) - ψ(α_0))
 *
 * Malinin and Gales, "Predictive Uncertainty Estimation via Prior Networks", NeurIPS 2018, eq. 20. Higher means more out-of-distribution; at most
 * -ln Γ(K), that of the flat distribution. Concentrations below 1 drive it down fast, by 1/α for the smallest. The logarithm of the precision
 * α_0, their other measure, is the negative energy.
 *
 * With α_c = exp f_c most terms cancel: h = ½ Σ f_c - (K - ½) ln α_0 + (K - 1) ½ ln 2π + Σ (s + t - u)(α_c) - (s + K t - u)(α_0), where s and u are what
 * Stirling's formula leaves and t = u/α.
 *
 * @param logits  float32 [N, K] or [N, K, H, W], above -87
 * @returns [N] or [N, H, W]
 */
export function differentialEntropy(logits: Expr): Expr {
  const classes = logits.dims[1] as number;
  const logTotal = neg(energy(logits));
  const [each, whole] = [rests(logits), rests(logTotal)];
  const ofClasses = sum(add(mul(logits, 0.5), add(each.s, sub(each.t, each.u))), { axes: [1] });
  const ofTotal = add(mul(logTotal, classes - 0.5), add(whole.s, sub(mul(whole.t, classes), whole.u)));
  return add(sub(ofClasses, ofTotal), (classes - 1) * halfLogTwoPi);
}

function rests(logA: Expr) {
  const u = digammaRest(logA);
  return { s: logGammaRest(logA), u, t: mul(u, exp(neg(logA))) };
}
