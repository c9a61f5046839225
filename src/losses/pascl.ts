import {
  add,
  concat,
  div,
  type Expr,
  logSumExp,
  matMul,
  maximum,
  mul,
  sub,
  sum,
  tensorOf,
  transposeLast,
} from "../ops/index.js";
import { oneHotAmong, tailClasses } from "./class-ranks.js";
import { needed } from "./needed.js";
import { outlierExposure } from "./outlier-exposure.js";
import { notNegative, positive, share } from "./ranges.js";
import { defineLoss, type LossInputs } from "./types.js";

export interface PasclOptions {
  /** Weight of outlier exposure. */
  readonly outlierWeight: number;
  /** Weight of the contrast between rare classes and outliers. */
  readonly contrastiveWeight: number;
  /** Divides similarities; > 0. */
  readonly temperature: number;
  /** Share of the classes that count as rare, in (0, 1]. */
  readonly tailShare: number;
}

/** Far below any similarity of unit rows; finite, so that 0 times it is 0. */
const never = -1e9;

/**
 * Supervised contrast of the rare classes alone ("partial" and "asymmetric": outliers repel, but are no anchors). Over the rows
 * i of rare classes, with unit projections z and P(i) the other rows of i's class,
 *
 *   mean_i mean_{j in P(i)}  -log ( exp(z_i·z_j / T) / Σ_k exp(z_i·z_k / T) ),      k: other rows of rare classes, and all outliers
 *
 * 0 for a batch without rare classes. A row alone in its class adds 0 to the sum and counts in its mean.
 */
export function tailContrast(
  { labels, classCounts }: Pick<LossInputs, "labels" | "classCounts">,
  { id, outliers }: { readonly id: Expr; readonly outliers: Expr },
  { temperature, tailShare }: Pick<PasclOptions, "temperature" | "tailShare">,
): Expr {
  const own = oneHotAmong(labels, tailClasses(classCounts, tailShare), classCounts.length);
  const rare = sum(own, { axes: [1], keep: true });
  const itself = id.builder.constant(identity(id.dims[0] as number));
  // Whether k is compared with i: 1 or 0, [N, N].
  const compared = sub(transposeLast(rare), itself);
  const similarity = (to: Expr) => div(matMul(id, transposeLast(to)), temperature);
  const inside = add(similarity(id), mul(sub(1, maximum(compared, 0)), never));
  const total = logSumExp(concat([inside, similarity(outliers)], 1), { axes: [1], keep: true });
  // -log of the share of j, for the pairs (i, j) of one rare class.
  const positive = maximum(sub(matMul(own, transposeLast(own)), itself), 0);
  const costs = sum(mul(positive, sub(total, inside)), { axes: [1], keep: true });
  const positives = sum(positive, { axes: [1], keep: true });
  return div(sum(div(costs, maximum(positives, 1))), maximum(sum(rare), 1));
}

function identity(size: number) {
  const values = new Array<number>(size * size).fill(0);
  for (let index = 0; index < size; index++) values[index * (size + 1)] = 1;
  return tensorOf(values, "float32", [size, size]);
}

/**
 * Partial and asymmetric supervised contrastive learning: outlier exposure, and {@link tailContrast} on the outputs of a
 * projection head.
 *
 *   outlierWeight · OE  +  contrastiveWeight · contrast of rare classes and outliers
 *
 * Wang et al., "Partial and Asymmetric Contrastive Learning for Out-of-Distribution Detection in Long-Tailed Recognition",
 * ICML 2022. Defaults are those for CIFAR-10-LT; for CIFAR-100-LT the authors take a contrastive weight of 0.02
 * and a temperature of 0.2.
 */
export const pascl = defineLoss<PasclOptions>({
  name: "pascl",
  title: "PASCL",
  source: "Wang et al., ICML 2022",
  weight: 1,
  defaults: { outlierWeight: 0.5, contrastiveWeight: 0.1, temperature: 0.07, tailShare: 0.4 },
  ranges: { outlierWeight: notNegative, contrastiveWeight: notNegative, temperature: positive, tailShare: share },
  score: "msp",
  hasMargins: false,
  usesPrior: false,
  views: 2,
  projects: true,
  expression(inputs, options) {
    const projections = needed(inputs.projections, "pascl", "the outputs of a projection head");
    const contrast = tailContrast(inputs, projections, options);
    return add(
      mul(outlierExposure.expression(inputs, {}), options.outlierWeight),
      mul(contrast, options.contrastiveWeight),
    );
  },
});
