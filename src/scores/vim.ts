import { DataError, OptionError } from "../errors.js";
import { add, type Expr, matMul, mul, sqrt, square, sub, sum } from "../ops/index.js";
import { energy } from "./energy.js";
import type { FitData } from "./fit/fit-data.js";
import { leastNormSolution, smallestEigenvectors, trace } from "./fit/matrices.js";
import { images } from "./fit/rows.js";
import { featuresOf, fittedTensor } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

type VimOptions = {
  /** Dimension of the principal space, from 1 to D - 1; 0 chooses it by D as the authors do. */
  readonly dimension: number;
};

/**
 * ViM, virtual-logit matching: the length of the features outside of the principal space, against the energy,
 *
 *   s(x) = α · |R (z - o)| - log Σ_c exp f_c(x),      o = -pinv(W) b,      α = Σ_i max_c f_c(x_i) / Σ_i |R (z_i - o)|
 *
 * with R the projection onto the eigenvectors of Σ_i (z_i - o)(z_i - o)ᵀ over all images but those of the `dimension` largest
 * eigenvalues, and α over the sample. Wang, Li, Feng and Zhang, "ViM: Out-Of-Distribution with Virtual-Logit Matching",
 * CVPR 2022, whose score is the softmax probability of the virtual logit: it rises with s. The automatic
 * dimension is that of the authors' code: 1000 from D = 2048 on, 512 from D = 768 on, else D/2. Higher means more
 * out-of-distribution; any real number.
 *
 * Logits float [N, K], features float [N, D]; scores [N].
 */
export const vimScore = defineScore({
  name: "vim",
  title: "Virtual-logit matching",
  source: "Wang, Li, Feng and Zhang, CVPR 2022",
  uses: ["features", "head"],
  defaults: { dimension: 0 },
  check: ({ dimension }) => {
    if (Number.isInteger(dimension) && dimension >= 0) return;
    const expected = "a dimension that is a whole number ≥ 1, or 0 to choose it";
    throw new OptionError({ where: "vim score", expected, received: String(dimension) });
  },
  fit: fitVim,
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, "vim");
    const constant = (name: string) => features.builder.constant(fittedTensor(fitted, name, "vim"));
    const virtual = mul(constant("alpha"), residual(sub(features, constant("origin")), constant("residualSpace")));
    return add(virtual, energy(inputs.logits));
  },
});

const residual = (x: Expr, space: Expr): Expr => sqrt(sum(square(matMul(x, space)), { axes: [1] }));

/**
 * @returns α [], o [D] and the eigenvectors of the residual space as columns [D, D - dimension]
 * @throws OptionError for a dimension that leaves no residual space
 * @throws DataError when no image of the sample has a residual
 */
function fitVim({ head, features, sample }: FitData, options: VimOptions): Fitted {
  const size = head.dimension;
  const principal = options.dimension || automaticDimension(size);
  if (principal >= size) {
    throw new OptionError({
      where: "vim score",
      expected: `a dimension of at most ${size - 1}, less than the ${size} features`,
      received: String(principal),
      hint: "leave it out to have it chosen",
    });
  }
  const origin = leastNormSolution(head.weight, head.bias).map((value) => -value);
  const mean = features.mean().map((value, axis) => value - (origin[axis] as number));
  const secondMoments = features
    .covariance()
    .map((value, at) => value + (mean[Math.floor(at / size)] as number) * (mean[at % size] as number));
  const count = size - principal;
  const space = smallestEigenvectors(secondMoments, count);
  let [largest, lengths] = [0, 0];
  for (const { features: z, logits, predicted } of images(sample)) {
    largest += logits[predicted] as number;
    lengths += residualLength(z, origin, space);
  }
  // Shorter than the rounding errors of a projection: there is no direction without features.
  const rounding = size * Number.EPSILON * Math.sqrt(trace(secondMoments)) * sample.count;
  if (!(lengths > rounding)) {
    throw new DataError({
      where: "vim score",
      expected: `features outside of the principal space of dimension ${principal}`,
      received: "none in the sample that the score is fitted to",
      hint: "choose a smaller dimension, or fit it to more images",
    });
  }
  return {
    alpha: { dtype: "float64", dims: [], data: Float64Array.of(largest / lengths) },
    origin: { dtype: "float64", dims: [size], data: origin },
    residualSpace: { dtype: "float64", dims: [size, count], data: space },
  };
}

/** Of the principal space, as the authors choose it. */
export function automaticDimension(size: number): number {
  if (size >= 2048) return 1000;
  return size >= 768 ? 512 : Math.floor(size / 2);
}

function residualLength(z: Float32Array, origin: Float64Array, space: Float64Array): number {
  const count = space.length / z.length;
  const projected = new Float64Array(count);
  z.forEach((value, axis) => {
    const along = value - (origin[axis] as number);
    for (let column = 0; column < count; column++) {
      projected[column] = (projected[column] as number) + along * (space[axis * count + column] as number);
    }
  });
  return Math.hypot(...projected);
}
