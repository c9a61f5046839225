import { inverse, Matrix } from "ml-matrix";
import { expect, test } from "vitest";
import { createGenerator } from "../../data/index.js";
import { ridged, whitening } from "./matrices.js";
import { relativeMetric } from "./relative-metric.js";

const generator = createGenerator(9);
const random = (rows: number, columns: number) =>
  new Matrix(Array.from({ length: rows }, () => Array.from({ length: columns }, () => generator.uniform() - 0.5)));
const [classes, size] = [3, 6];

// Σ_0 = Σ + the covariance between classes, which has a rank of two; with a ridge they differ in every direction.
test.each([0, 1e-6, 0.1])("one squared length less a number is the difference of two distances, ridge %d", (ridge) => {
  const [noise, means] = [random(40, size), random(classes, size).mul(20)];
  means.subRowVector(means.mean("column"));
  const within = noise.transpose().mmul(noise).div(40);
  const overall = Matrix.add(within, means.transpose().mmul(means).div(classes));
  const [sigma, sigma0] = [within, overall].map((matrix) =>
    ridged(Float64Array.from(matrix.to1DArray()), { ridge, score: "some", vary: "differ" }),
  ) as [Float64Array, Float64Array];
  const flatMeans = Float64Array.from(means.to1DArray());
  const { factor, centres, excess } = relativeMetric(whitening(sigma, "some"), sigma0, flatMeans);
  const [p, p0] = [sigma, sigma0].map((values) => inverse(Matrix.from1DArray(size, size, values))) as [Matrix, Matrix];
  const length = (x: Matrix, metric: Matrix) => x.mmul(metric).mmul(x.transpose()).get(0, 0);
  const f = Matrix.from1DArray(size, size, factor);
  for (let trial = 0; trial < 5; trial++) {
    const q = random(1, size).mul(10);
    for (let label = 0; label < classes; label++) {
      const expected = length(Matrix.sub(q, means.getRowVector(label)), p) - length(q, p0);
      const off = Matrix.sub(q, Matrix.rowVector(centres.subarray(label * size, (label + 1) * size)));
      const found = length(off, f.transpose().mmul(f)) - (excess[label] as number);
      expect(Math.abs(found - expected)).toBeLessThan(1e-9 * length(q, p));
    }
  }
});
