/**
 * Eigenvectors of a symmetric matrix: Householder's reduction to tridiagonal form, and QL steps with implicit shifts on that (Golub and Van Loan,
 * "Matrix Computations", 4th ed., §8.3). ml-matrix does the same column by column; here every inner loop runs along a row of one array, which takes less than half of
 * the time for 1024 rows.
 */
import { RunError } from "../../errors.js";
import { addScaled, dot } from "./vectors.js";

/** Eigenvalues in ascending order, [D], and their eigenvectors as rows of length 1, [D, D]. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Steps of QL that no eigenvalue has ever needed. */
const mostSteps = 60;

/**
 * @param symmetric  [D, D] row by row; only the lower triangle is read
 * @throws RunError for numbers that are not finite, with which it does not converge
 */
export function symmetricEigen(symmetric: Float64Array): SymmetricEigen {
  const { diagonal, beside, vectors } = tridiagonal(symmetric);
  diagonalise(diagonal, beside, vectors);
  return ascending(diagonal, vectors);
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** beside[i] stands between diagonal[i - 1] and diagonal[i]. */
  readonly beside: Float64Array;
  /** Qᵀ, row by row: symmetric = Q T Qᵀ. */
  readonly vectors: Float64Array;
}

/** Row by row from the last: a reflection of the first `row` axes brings the row to one number beside the diagonal. */
function tridiagonal(symmetric: Float64Array): Tridiagonal {
  const size = Math.sqrt(symmetric.length);
  const work = symmetric.slice();
  const rowOf = (row: number, length: number) => work.subarray(row * size, row * size + length);
  const beside = new Float64Array(size);
  /** Of each reflection I - u uᵀ/h, whose u takes the place of the row; 0 where the row needs none. */
  const halves = new Float64Array(size);
  const product = new Float64Array(size);
  for (let row = size - 1; row > 0; row--) {
    const u = rowOf(row, row);
    const largest = u.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const last = u[row - 1] as number;
    if (largest === Math.abs(last) && u.subarray(0, row - 1).every((value) => value === 0)) {
      beside[row] = last;
      continue;
    }
    // Divided by the largest, so that the squares of tiny numbers do not vanish.
    for (let axis = 0; axis < row; axis++) u[axis] = (u[axis] as number) / largest;
    const scaledLast = last / largest;
    const length = Math.sqrt(dot(u, u));
    const turned = scaledLast > 0 ? -length : length;
    const half = length ** 2 - scaledLast * turned;
    u[row - 1] = scaledLast - turned;
    beside[row] = largest * turned;
    halves[row] = half;
    // p = A u / h from the lower triangle, of which each row is read once.
    product.fill(0, 0, row);
    for (let other = 0; other < row; other++) {
      const own = rowOf(other, other);
      product[other] =
        (product[other] as number) + dot(own, u) + (work[other * size + other] as number) * (u[other] as number);
      addScaled(product, own, u[other] as number);
    }
    const p = product.subarray(0, row);
    for (let axis = 0; axis < row; axis++) p[axis] = (p[axis] as number) / half;
    // A - u qᵀ - q uᵀ with q = p - (uᵀp / 2h) u.
    addScaled(p, u, -dot(u, p) / (2 * half));
    for (let other = 0; other < row; other++) {
      const own = rowOf(other, other + 1);
      addScaled(own, p, -(u[other] as number));
      addScaled(own, u, -(p[other] as number));
    }
  }
  const diagonal = Float64Array.from({ length: size }, (_, axis) => work[axis * size + axis] as number);
  return { diagonal, beside, vectors: reflections(work, halves, size) };
}

/** Qᵀ: the product of the reflections, the one of the last row first, applied to the unit vectors from the other end. */
function reflections(work: Float64Array, halves: Float64Array, size: number): Float64Array {
  const q = new Float64Array(size * size);
  for (let axis = 0; axis < size; axis++) q[axis * size + axis] = 1;
  const sums = new Float64Array(size);
  for (let row = 1; row < size; row++) {
    const half = halves[row] as number;
    if (half === 0) continue;
    // Only the first `row` rows and columns are other than the unit matrix's.
    const along = sums.subarray(0, row).fill(0);
    for (let axis = 0; axis < row; axis++) {
      addScaled(along, q.subarray(axis * size, axis * size + row), work[row * size + axis] as number);
    }
    for (let axis = 0; axis < row; axis++) {
      addScaled(q.subarray(axis * size, axis * size + row), along, -(work[row * size + axis] as number) / half);
    }
  }
  return transposed(q, size);
}

/** QL with implicit shifts: rotations bring the numbers beside the diagonal to zero, and turn the rows of `vectors` with them. */
function diagonalise(diagonal: Float64Array, beside: Float64Array, vectors: Float64Array): void {
  const size = diagonal.length;
  // From here on after[i] stands between diagonal[i] and diagonal[i + 1].
  const after = new Float64Array(size);
  after.set(beside.subarray(1));
  const at = (values: Float64Array, index: number) => values[index] as number;
  for (let first = 0; first < size; first++) {
    for (let step = 0; ; step++) {
      let last = first;
      while (last < size - 1 && !isNegligible(after, diagonal, last)) last++;
      if (last === first) break;
      if (step === mostSteps) {
        const [expected, received] = ["a symmetric matrix of finite numbers", "one without eigenvalues"];
        throw new RunError({ where: "eigenvalues", expected, received, hint: "check the features for NaN" });
      }
      let g = (at(diagonal, first + 1) - at(diagonal, first)) / (2 * at(after, first));
      g = at(diagonal, last) - at(diagonal, first) + at(after, first) / (g + (g < 0 ? -1 : 1) * Math.hypot(g, 1));
      let [sine, cosine, moved] = [1, 1, 0];
      let row = last - 1;
      for (; row >= first; row--) {
        const f = sine * at(after, row);
        const b = cosine * at(after, row);
        const length = Math.hypot(f, g);
        after[row + 1] = length;
        if (length === 0) {
          diagonal[row + 1] = at(diagonal, row + 1) - moved;
          after[last] = 0;
          break;
        }
        sine = f / length;
        cosine = g / length;
        g = at(diagonal, row + 1) - moved;
        const spread = (at(diagonal, row) - g) * sine + 2 * cosine * b;
        moved = sine * spread;
        diagonal[row + 1] = g + moved;
        g = cosine * spread - b;
        rotate(vectors, row, size, cosine, sine);
      }
      if (row >= first) continue;
      diagonal[first] = at(diagonal, first) - moved;
      after[first] = g;
      after[last] = 0;
    }
  }
}

function isNegligible(after: Float64Array, diagonal: Float64Array, index: number): boolean {
  const size = Math.abs(diagonal[index] as number) + Math.abs(diagonal[index + 1] as number);
  return Math.abs(after[index] as number) <= Number.EPSILON * size;
}

/** Turns two rows, one after the other, in the plane that they span. */
function rotate(vectors: Float64Array, row: number, size: number, cosine: number, sine: number): void {
  const upper = vectors.subarray(row * size, (row + 1) * size);
  const lower = vectors.subarray((row + 1) * size, (row + 2) * size);
  for (let axis = 0; axis < size; axis++) {
    const u = upper[axis] as number;
    const l = lower[axis] as number;
    lower[axis] = sine * u + cosine * l;
    upper[axis] = cosine * u - sine * l;
  }
}

function ascending(diagonal: Float64Array, rows: Float64Array): SymmetricEigen {
  const size = diagonal.length;
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[a] as number) - (diagonal[b] as number));
  const vectors = new Float64Array(rows.length);
  order.forEach((from, to) => {
    vectors.set(rows.subarray(from * size, (from + 1) * size), to * size);
  });
  return { values: Float64Array.from(order, (from) => diagonal[from] as number), vectors };
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return Float64Array.from(matrix, (_, at) => matrix[(at % size) * size + Math.floor(at / size)] as number);
}
