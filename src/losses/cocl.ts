import { UnsupportedError } from "../errors.js";
import {
  add,
  concat,
  div,
  type Expr,
  logSumExp,
  matMul,
  maximum,
  mul,
  reduceMax,
  relu,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sum,
  transposeLast,
} from "../ops/index.js";
import { headClasses, oneHotAmong, tailClasses } from "./class-ranks.js";
import { virtualLabelCost } from "./eat.js";
import { needed } from "./needed.js";
import { notNegative, positive, share } from "./ranges.js";
import { defineLoss, type LossInputs } from "./types.js";

export interface CoclOptions {
  /** Weight of the cross entropy of outliers against the outlier class. */
  readonly outlierWeight: number;
  /** Weight of the prototypes of rare classes. */
  readonly tailWeight: number;
  /** Weight of the distance between outliers and frequent classes. */
  readonly headWeight: number;
  /** Divides similarities to prototypes; > 0. */
  readonly temperature: number;
  /** How much farther an outlier must be from frequent classes than from other outliers, in units of features. */
  readonly margin: number;
  /** Share of the classes that count as rare, in (0, 1]. */
  readonly tailShare: number;
  /** Share of the classes that count as frequent, in (0, 1]. */
  readonly headShare: number;
}

type Labelled = Pick<LossInputs, "labels" | "classCounts">;
type Features = NonNullable<LossInputs["features"]>;

/** Keeps square roots differentiable where two features are equal or a feature is 0; far below any square that matters. */
const tiny = 1e-12;

/** Each half of a row is divided by its length: the authors' two heads. [N, D] with even D. */
function halfDirections(x: Expr): Expr {
  const [rows, length] = x.dims as [number, number];
  const halves = reshape(x, [rows, 2, length / 2]);
  const lengths = sqrt(add(sum(square(halves), { axes: [2], keep: true }), tiny));
  return reshape(div(halves, lengths), [rows, length]);
}

/**
 * OOD-aware prototypes of rare classes: over the rows i of rare classes y, with u the features whose halves have unit length,
 *
 *   mean_i  -log ( exp(u_i·w_y / T) / (Σ_rare c exp(u_i·w_c / T) + Σ_out o exp(u_i·u_o / T)) )
 *
 * 0 for a batch without rare classes.
 *
 * @param prototypes  float32 [rare classes, D], in the order of {@link tailClasses}
 */
export function prototypeCost(
  { labels, classCounts }: Labelled,
  { id, outliers }: Features,
  prototypes: Expr,
  { temperature, tailShare }: Pick<CoclOptions, "temperature" | "tailShare">,
): Expr {
  const tail = tailClasses(classCounts, tailShare);
  const own = oneHotAmong(labels, tail, classCounts.length);
  const compared = concat([prototypes, outliers].map(halfDirections), 0);
  const similarity = div(matMul(halfDirections(id), transposeLast(compared)), temperature);
  const toPrototypes = slice(similarity, { axes: [1], starts: [0], ends: [tail.length] });
  const rare = sum(own, { axes: [1] });
  const total = logSumExp(similarity, { axes: [1] });
  const costs = sub(mul(rare, total), sum(mul(own, toPrototypes), { axes: [1] }));
  return div(sum(costs), maximum(sum(rare), 1));
}

/**
 * Debiased frequent classes: an outlier o must be closer to the outlier p that is farthest from it than to images of frequent
 * classes, by a margin,
 *
 *   mean_o mean_{i frequent}  relu( |z_o - z_p| - |z_o - z_i| + margin )
 *
 * The authors draw one i for each o; this is the mean over their draws. 0 for a batch without frequent classes.
 */
export function headDistanceCost(
  { labels, classCounts }: Labelled,
  { id, outliers }: Features,
  { margin, headShare }: Pick<CoclOptions, "margin" | "headShare">,
): Expr {
  const count = outliers.dims[0] as number;
  const frequent = sum(oneHotAmong(labels, headClasses(classCounts, headShare), classCounts.length), {
    axes: [1],
    keep: true,
  });
  const farthest = sqrt(add(reduceMax(squaredDistances(outliers, outliers), { axes: [1], keep: true }), tiny));
  const apart = sqrt(add(squaredDistances(outliers, id), tiny));
  const hinges = relu(add(sub(farthest, apart), margin));
  return div(sum(matMul(hinges, frequent)), mul(maximum(sum(frequent), 1), count));
}

/** |a_i - b_j|² for all pairs, [rows of a, rows of b]. */
function squaredDistances(a: Expr, b: Expr): Expr {
  const squares = (x: Expr) => sum(square(x), { axes: [1], keep: true });
  const products = matMul(a, transposeLast(b));
  return relu(sub(add(squares(a), transposeLast(squares(b))), mul(products, 2)));
}

/**
 * Calibrated outlier class learning: one class more for outliers, kept apart from rare classes by prototypes and from frequent
 * classes by distance.
 *
 *   outlierWeight · CE(outliers, outlier class)  +  tailWeight · {@link prototypeCost}  +  headWeight · {@link headDistanceCost}
 *
 * Miao, Pang, Bai, Li and Zheng, "Out-of-Distribution Detection in Long-Tailed Recognition with Calibrated Outlier Class
 * Learning", AAAI 2024. The authors' `headrate` of 0.4 takes in one class more than 0.4·K, by a ≤.
 */
export const cocl = defineLoss<CoclOptions>({
  name: "cocl",
  title: "COCL",
  source: "Miao, Pang, Bai, Li and Zheng, AAAI 2024",
  weight: 1,
  defaults: {
    outlierWeight: 0.05,
    tailWeight: 0.05,
    headWeight: 0.1,
    temperature: 0.07,
    margin: 1,
    tailShare: 0.4,
    headShare: 0.4,
  },
  ranges: {
    ...{ outlierWeight: notNegative, tailWeight: notNegative, headWeight: notNegative },
    ...{ temperature: positive, tailShare: share, headShare: share },
  },
  score: "abstention",
  hasMargins: false,
  usesPrior: false,
  usesFeatures: true,
  abstentionClasses: () => 1,
  prototypes: (classCounts, { tailShare }) => tailClasses(classCounts, tailShare).length,
  expression(inputs, options) {
    const features = needed(inputs.features, "cocl", "the features that go into the last layer");
    const width = features.id.dims[1] as number;
    if (width % 2 !== 0) {
      throw new UnsupportedError({
        where: "loss cocl",
        expected: "an even number of features before the last layer, whose halves it compares",
        received: String(width),
        hint: "choose another --arch or --width",
      });
    }
    const prototypes = needed(inputs.prototypes, "cocl", "prototypes of the rare classes");
    const terms = [
      mul(virtualLabelCost(inputs.outlierLogits, inputs.classCounts.length), options.outlierWeight),
      mul(prototypeCost(inputs, features, prototypes, options), options.tailWeight),
      mul(headDistanceCost(inputs, features, options), options.headWeight),
    ];
    return terms.reduce((a, b) => add(a, b));
  },
});
