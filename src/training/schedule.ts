/** How the learning rate moves over a run. */
export type ScheduleName = "cosine" | "constant";

/** A cosine run ends here, as in the official code, rather than at zero. */
const finalLearningRate = 1e-6;

/**
 * Learning rate of one update.
 *
 * Cosine: `lr(t) = lr₀ [m + (1 - m)(1 + cos(π t / T)) / 2]` with `m = 1e-6 / lr₀`. The official code steps its scheduler before
 * its optimizer, so the first update already uses t = 1; T is the real number of updates.
 *
 * @param update  1 for the first update
 * @param total   number of updates of the whole run
 */
export function learningRateAt(schedule: ScheduleName, initial: number, update: number, total: number): number {
  if (schedule === "constant") return initial;
  const floor = finalLearningRate / initial;
  return initial * (floor + ((1 - floor) * (1 + Math.cos((Math.PI * update) / total))) / 2);
}
