import { EVD, Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createGenerator, normal } from "../../data/index.js";
import { RunError } from "../../errors.js";
import { symmetricEigen } from "./symmetric-eigen.js";

/** Matrices by how hard they are. */
const matrices: Readonly<Record<string, (size: number) => Float64Array>> = {
  random: (size) => symmetric(size, () => normal(generator)),
  "a covariance of fewer images than dimensions": (size) => covariance(size, Math.ceil(size / 3)),
  "the unit matrix": (size) => symmetric(size, (row, column) => Number(row === column)),
  zeros: (size) => symmetric(size, () => 0),
  "tiny numbers beside large ones": (size) => symmetric(size, (row) => 10 ** (-20 + (40 * row) / size)),
  "tridiagonal already": (size) => symmetric(size, (row, column) => (row - column < 2 ? row - column - 2 : 0)),
};
const generator = createGenerator(5);

function symmetric(size: number, value: (row: number, column: number) => number): Float64Array {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      result[row * size + column] = value(row, column);
      result[column * size + row] = result[row * size + column] as number;
    }
  }
  return result;
}

function covariance(size: number, images: number): Float64Array {
  const rows = Array.from({ length: images }, () => Array.from({ length: size }, () => normal(generator)));
  return symmetric(size, (row, column) =>
    rows.reduce((sum, image) => sum + (image[row] as number) * (image[column] as number), 0),
  );
}

describe.each(Object.keys(matrices))("%s", (name) => {
  test.each([1, 2, 3, 10, 61])("of %d rows", (size) => {
    const matrix = matrices[name]?.(size) as Float64Array;
    const { values, vectors } = symmetricEigen(matrix);
    const largest = Math.max(Number.MIN_VALUE, ...values.map(Math.abs));
    const row = (index: number) => vectors.subarray(index * size, (index + 1) * size);
    const worst = { equation: 0, length: 0 };
    for (let index = 0; index < size; index++) {
      for (let axis = 0; axis < size; axis++) {
        const image = row(index).reduce((sum, value, at) => sum + value * (matrix[axis * size + at] as number), 0);
        const expected = (values[index] as number) * (row(index)[axis] as number);
        worst.equation = Math.max(worst.equation, Math.abs(image - expected) / largest);
        const product = row(index).reduce((sum, value, at) => sum + value * (row(axis)[at] as number), 0);
        worst.length = Math.max(worst.length, Math.abs(product - Number(index === axis)));
      }
    }
    expect(worst.equation).toBeLessThan(2e-14);
    expect(worst.length).toBeLessThan(2e-14);
    const reference = new EVD(Matrix.from1DArray(size, size, matrix), { assumeSymmetric: true }).realEigenvalues;
    reference.forEach((value, index) => {
      expect(Math.abs((values[index] as number) - value) / largest).toBeLessThan(2e-14);
    });
  });
});

test("only the lower triangle counts", () => {
  const matrix = symmetric(4, (row, column) => row + 2 * column);
  const other = matrix.map((value, at) => (at % 4 > Math.floor(at / 4) ? Number.NaN : value));
  expect(symmetricEigen(other)).toEqual(symmetricEigen(matrix));
});

test("NaN is refused", () => {
  expect(() => symmetricEigen(new Float64Array(9).fill(Number.NaN))).toThrow(RunError);
});
