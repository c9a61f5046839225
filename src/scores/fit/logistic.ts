/** Logistic regression on a few columns, in float64. */
import { Matrix, solve } from "ml-matrix";
import { DataError } from "../../errors.js";

export interface LogisticFit {
  /** One per column, for the columns as they are. */
  readonly weights: readonly number[];
  readonly offset: number;
}

export interface LogisticOptions {
  /** Weight of ½|w|² beside the mean log loss, for columns of standard deviation 1; > 0, so that separable data have a fit. */
  readonly ridge: number;
}

/** Newton's method on a convex function of a few variables needs about ten. */
const mostSteps = 100;
const tolerance = 1e-12;

/**
 * Weights under which w · x + offset tells the rows of `positive` from those of `negative`, by
 *
 *   min_w,b  ½ mean_pos log(1 + exp(-f)) + ½ mean_neg log(1 + exp(f)) + ½ ridge |w|²,      f = w · x + b,
 *
 * with the columns brought to mean 0 and standard deviation 1 over all rows, and both kinds counting the same, however many there are. Newton's method.
 *
 * @param negative  [rows][columns]
 * @param positive  [rows][columns]
 * @throws DataError when a kind has no rows, or a column is constant
 */
export function fitLogistic(
  negative: readonly (readonly number[])[],
  positive: readonly (readonly number[])[],
  { ridge }: LogisticOptions = { ridge: 1e-3 },
): LogisticFit {
  if (negative.length === 0 || positive.length === 0) {
    throw new DataError({
      where: "logistic regression",
      expected: "rows of both kinds",
      received: `${negative.length} and ${positive.length}`,
    });
  }
  const rows = [...negative, ...positive];
  const columns = rows[0]?.length ?? 0;
  const { means, deviations } = columnStatistics(rows, columns);
  const shares = rows.map((_, index) => 0.5 / (index < negative.length ? negative.length : positive.length));
  // The last column is the offset, which the ridge leaves alone.
  const x = rows.map((row) => [...row.map((value, at) => (value - (means[at] ?? 0)) / (deviations[at] ?? 1)), 1]);
  let w = new Array<number>(columns + 1).fill(0);
  for (let step = 0; step < mostSteps; step++) {
    const gradient = new Array<number>(columns + 1).fill(0);
    const hessian = Matrix.zeros(columns + 1, columns + 1);
    x.forEach((row, index) => {
      const f = row.reduce((sum, value, at) => sum + value * (w[at] as number), 0);
      const p = 1 / (1 + Math.exp(-f));
      const share = shares[index] as number;
      const slope = share * (p - (index < negative.length ? 0 : 1));
      row.forEach((value, i) => {
        gradient[i] = (gradient[i] as number) + slope * value;
        row.forEach((other, j) => {
          hessian.set(i, j, hessian.get(i, j) + share * p * (1 - p) * value * other);
        });
      });
    });
    for (let at = 0; at < columns; at++) {
      gradient[at] = (gradient[at] as number) + ridge * (w[at] as number);
      hessian.set(at, at, hessian.get(at, at) + ridge);
    }
    // The offset of perfectly separated rows has next to no curvature left.
    hessian.set(columns, columns, hessian.get(columns, columns) + tolerance);
    const move = solve(hessian, Matrix.columnVector(gradient)).to1DArray();
    w = w.map((value, at) => value - (move[at] as number));
    if (Math.max(...move.map(Math.abs)) < tolerance) break;
  }
  const weights = w.slice(0, columns).map((value, at) => value / (deviations[at] as number));
  const offset = weights.reduce((sum, value, at) => sum - value * (means[at] as number), w[columns] as number);
  return { weights, offset };
}

function columnStatistics(rows: readonly (readonly number[])[], columns: number) {
  const means: number[] = [];
  const deviations: number[] = [];
  for (let at = 0; at < columns; at++) {
    const mean = rows.reduce((sum, row) => sum + (row[at] as number), 0) / rows.length;
    const variance = rows.reduce((sum, row) => sum + ((row[at] as number) - mean) ** 2, 0) / rows.length;
    if (!(variance > 0)) {
      throw new DataError({
        where: "logistic regression",
        expected: `different values in column ${at}`,
        received: `${rows.length} times ${mean}`,
      });
    }
    means.push(mean);
    deviations.push(Math.sqrt(variance));
  }
  return { means, deviations };
}
