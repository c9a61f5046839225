/** How the learning rate moves over a run. */
export type ScheduleName = "cosine" | "constant" | "step" | "poly";

export interface Schedule {
  readonly schedule: ScheduleName;
  /** Learning rate at full height, η₀. */
  readonly learningRate: number;
  /** `step`: shares of the run, in (0, 1), after each of which the rate falls. */
  readonly milestones: readonly number[];
  /** `step`: what each fall multiplies the rate by. */
  readonly decay: number;
  /** Share of the run, in [0, 1), over which the rate rises in a straight line from 0 before anything else. */
  readonly warmUp: number;
}

/** A cosine run ends here, as in the official code, rather than at zero; one that starts below it stays where it is. */
const finalLearningRate = 1e-6;
/** Exponent of `poly`, as DeepLab and PEBAL have it. */
const polyPower = 0.9;

/**
 * Learning rate of one update t of T.
 *
 * - cosine: `η₀ [m + (1 - m)(1 + cos(π t / T)) / 2]` with `m = min(1, 1e-6 / η₀)`. The official code steps its scheduler before its
 *   optimizer, so the first update already uses t = 1; T is the real number of updates.
 * - step: `η₀ decayᵏ` after k milestones.
 * - poly: `η₀ (1 - (t - 1) / T)^0.9`.
 *
 * While warming up over W updates the rate is `η₀ t / W`; the schedule that follows is not moved.
 *
 * @param update  t, 1 for the first update
 * @param total   T, number of updates of the whole run
 */
export function learningRateAt(schedule: Schedule, update: number, total: number): number {
  const { learningRate: top, milestones, decay, warmUp } = schedule;
  if (update <= warmUp * total) return (top * update) / (warmUp * total);
  switch (schedule.schedule) {
    case "constant":
      return top;
    case "cosine": {
      const floor = Math.min(finalLearningRate, top) / top;
      return top * (floor + ((1 - floor) * (1 + Math.cos((Math.PI * update) / total))) / 2);
    }
    case "step":
      return top * decay ** milestones.filter((share) => update > share * total).length;
    case "poly":
      return top * (1 - (update - 1) / total) ** polyPower;
  }
}
