/** Numbers about logits that the procedures need outside a graph, in float64. Logits are rows of `classes` values. */

/** Energy `-logsumexp(f)` of each row; higher for more OOD. */
export function energyOf(logits: Float32Array, classes: number): Float64Array {
  const result = new Float64Array(logits.length / classes);
  for (let row = 0; row < result.length; row++) {
    const values = logits.subarray(row * classes, (row + 1) * classes);
    let top = -Infinity;
    for (const value of values) if (value > top) top = value;
    let total = 0;
    for (const value of values) total += Math.exp(value - top);
    result[row] = -(top + Math.log(total));
  }
  return result;
}

/** `Z = Σ_j softmax(f)_j P_γ(j)` of each row, see `losses/balanced-energy.ts`. */
export function priorWeights(logits: Float32Array, prior: readonly number[], gamma: number): Float64Array {
  const classes = prior.length;
  const raised = prior.map((share) => share ** gamma);
  const total = raised.reduce((sum, value) => sum + value, 0);
  return energyOf(logits, classes).map((energy, row) => {
    let weight = 0;
    for (let j = 0; j < classes; j++) {
      const probability = Math.exp((logits[row * classes + j] as number) + energy);
      weight += probability * ((raised[j] as number) / total);
    }
    return weight;
  });
}

/** Mean of Z over the rows, see {@link priorWeights}. */
export function meanPriorWeight(logits: Float32Array, prior: readonly number[], gamma: number): number {
  const weights = priorWeights(logits, prior, gamma);
  return weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
}
