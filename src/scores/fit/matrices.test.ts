import { inverse, Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createGenerator } from "../../data/index.js";
import { leastNormSolution, ridged, smallestEigenvectors, trace, whitening, whySingular } from "./matrices.js";

const generator = createGenerator(7);
const random = (rows: number, columns: number) =>
  new Matrix(Array.from({ length: rows }, () => Array.from({ length: columns }, () => generator.uniform() - 0.5)));
const flat = (matrix: Matrix) => Float64Array.from(matrix.to1DArray());
const square = (values: Float64Array) => Matrix.from1DArray(Math.sqrt(values.length), Math.sqrt(values.length), values);

function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12): void {
  expect(actual).toHaveLength(expected.length);
  const errors = Array.from(actual, (value, at) => Math.abs(value - (expected[at] as number)));
  expect(Math.max(...errors)).toBeLessThan(tolerance);
}

test("the ridge is a share of the mean variance on the diagonal", () => {
  const options = { ridge: 0.5, score: "some", vary: "differ" };
  expect(ridged(Float64Array.of(1, 2, 2, 7), options)).toEqual(Float64Array.of(3, 2, 2, 9));
  expect(trace(Float64Array.of(1, 2, 2, 7))).toBe(8);
});

describe("whitening", () => {
  test("is lower triangular, and its square is the inverse covariance", () => {
    const factor = random(9, 6);
    const covariance = factor.transpose().mmul(factor);
    const a = square(whitening(flat(covariance), "some"));
    expectSame(flat(a.transpose().mmul(a)), flat(inverse(covariance)), 1e-9);
    for (let row = 0; row < 6; row++) {
      for (let column = row + 1; column < 6; column++) expect(a.get(row, column)).toBe(0);
    }
  });

  test("of a covariance of fewer vectors than dimensions is refused, rounding errors or not", () => {
    const factor = random(4, 6);
    expect(() => whitening(flat(factor.transpose().mmul(factor)), "some")).toThrow(
      "some score: expected features whose 6 dimensions vary independently, got a singular covariance; " +
        "fit it to more images than there are dimensions, or choose a larger ridge",
    );
  });
});

describe("why a covariance is singular", () => {
  /** Of float32 features as a network gives them, in one class. */
  const covarianceOf = (features: Matrix) => {
    const centred = features.clone().subRowVector(features.mean("column"));
    return flat(centred.transpose().mmul(centred).div(features.rows));
  };
  const rounded = (features: Matrix) =>
    Matrix.from1DArray(features.rows, features.columns, Array.from(Float32Array.from(features.to1DArray())));
  const free = random(40, 5);

  test("features that are functions of others are counted, rounded to float32 as they are", () => {
    const sums = free.mmul(random(5, 2));
    const all = rounded(new Matrix([...free.to2DArray()].map((row, index) => [...row, ...sums.getRow(index)])));
    expect(whySingular(covarianceOf(all), 40, 1)).toBe("2 of 7 features are linear functions of others within a class");
  });

  test("features with a little of their own are not", () => {
    const near = free.to2DArray().map((row) => [...row, (row[0] as number) + 1e-4 * (generator.uniform() - 0.5)]);
    expect(whySingular(covarianceOf(rounded(new Matrix(near))), 40, 1)).toBeUndefined();
  });
});

test("the smallest eigenvectors span what the largest leave", () => {
  // Orthogonal directions of variances 9, 1 and 4.
  const [a, b, c] = [
    [2, 2, 1],
    [-2, 1, 2],
    [1, -2, 2],
  ].map((row) => new Matrix([row.map((value) => value / 3)])) as [Matrix, Matrix, Matrix];
  const outer = (x: Matrix, variance: number) => x.transpose().mmul(x).mul(variance);
  const symmetric = outer(a, 9).add(outer(b, 1)).add(outer(c, 4));
  const space = Matrix.from1DArray(3, 2, smallestEigenvectors(flat(symmetric), 2));
  expectSame(flat(space.mmul(space.transpose())), flat(outer(b, 1).add(outer(c, 1))));
});

describe("least-norm solution", () => {
  test.each([
    ["wide", 3, 7],
    ["tall", 7, 3],
  ])("of a %s system is that of the normal equations", (_, rows, columns) => {
    const [a, b] = [random(rows, columns), random(rows, 1)];
    const inner = rows < columns ? a.mmul(a.transpose()) : a.transpose().mmul(a);
    const expected =
      rows < columns ? a.transpose().mmul(inverse(inner)).mmul(b) : inverse(inner).mmul(a.transpose()).mmul(b);
    expectSame(leastNormSolution(flat(a), flat(b)), flat(expected), 1e-9);
  });

  test("ignores directions that the matrix maps to 0, such as those of two equal rows", () => {
    expectSame(leastNormSolution([1, 1, 1, 1], [3, 5]), [2, 2]);
  });
});
