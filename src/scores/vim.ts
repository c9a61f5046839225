import { DataError, OptionError } from "../errors.js";
import { add, matMul, mul, sqrt, square, sub, sum } from "../ops/index.js";
import { energy } from "./energy.js";
import type { FitData, Rows } from "./fit/fit-data.js";
import { leastNormSolution, smallestEigenvectors, trace } from "./fit/matrices.js";
import { images } from "./fit/rows.js";
import { addScaled } from "./fit/vectors.js";
import { featuresOf, fittedTensor, inTwoParts } from "./needed.js";
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
 * Where the virtual logit and the energy nearly cancel, the score is only as exact as they are, about 1e-6: float64 would help, but ONNX
 * Runtime's WebGPU build (1.30) refuses models with float64 nodes.
 *
 * Logits float [N, K], features float [N, D]; scores [N].
 */
export const vimScore = defineScore({
  name: "vim",
  title: "Virtual-logit matching",
  source: "Wang, Li, Feng and Zhang, CVPR 2022",
  uses: ["features", "head"],
  reads: ["features", "sample"],
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
    // From the mean, which is nearer to the features than the origin is: rounding errors are as small as what is multiplied.
    const [mean, rest] = inTwoParts(features, fitted, "mean", "vim");
    const projected = matMul(sub(sub(features, mean), rest), constant("residualSpace"));
    const residual = sqrt(sum(square(add(projected, constant("meanResidual"))), { axes: [1] }));
    return add(mul(constant("alpha"), residual), energy(inputs.logits));
  },
});

/**
 * @returns α [], the mean μ of the features [D], the eigenvectors of the residual space as columns R [D, D - dimension], and (μ - o) R
 * @throws OptionError for a dimension that leaves no residual space
 * @throws DataError when no image of the sample has a residual
 */
function fitVim({ head, features, sample }: FitData<"features" | "sample">, options: VimOptions): Fitted {
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
  const mean = features.mean();
  const offset = mean.map((value, axis) => value - (origin[axis] as number));
  const secondMoments = features
    .covariance()
    .map((value, at) => value + (offset[Math.floor(at / size)] as number) * (offset[at % size] as number));
  const count = size - principal;
  const space = smallestEigenvectors(secondMoments, count);
  const lengths = residualLengths(sample, origin, space);
  let largest = 0;
  for (const { logits, predicted } of images(sample)) largest += logits[predicted] as number;
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
    mean: { dtype: "float64", dims: [size], data: mean },
    residualSpace: { dtype: "float64", dims: [size, count], data: space },
    meanResidual: { dtype: "float64", dims: [count], data: projectedOnto(space, offset) },
  };
}

/** Of the principal space, as the authors choose it. */
export function automaticDimension(size: number): number {
  if (size >= 2048) return 1000;
  return size >= 768 ? 512 : Math.floor(size / 2);
}

/** Images whose projections are summed side by side, so that the space is read from memory once for all of them. */
const block = 16;

/** Σ_i |R (z_i - o)| over rows z [count, D]. */
function residualLengths({ count, features }: Rows, origin: Float64Array, space: Float64Array): number {
  const size = origin.length;
  const columns = space.length / size;
  const projected = new Float64Array(block * columns);
  let total = 0;
  for (let start = 0; start < count; start += block) {
    const rows = Math.min(block, count - start);
    projected.fill(0);
    for (let axis = 0; axis < size; axis++) {
      const directions = space.subarray(axis * columns, (axis + 1) * columns);
      for (let row = 0; row < rows; row++) {
        const along = (features[(start + row) * size + axis] as number) - (origin[axis] as number);
        addScaled(projected.subarray(row * columns), directions, along);
      }
    }
    for (let row = 0; row < rows; row++) {
      const own = projected.subarray(row * columns, (row + 1) * columns);
      total += Math.sqrt(own.reduce((sum, value) => sum + value ** 2, 0));
    }
  }
  return total;
}

/** x R, [columns]. */
function projectedOnto(space: Float64Array, x: Float64Array): Float64Array {
  const result = new Float64Array(space.length / x.length);
  x.forEach((value, axis) => {
    addScaled(result, space.subarray(axis * result.length, (axis + 1) * result.length), value);
  });
  return result;
}
