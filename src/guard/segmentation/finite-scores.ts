import { RunError } from "../../errors.js";

/** @throws RunError for a score that is not finite */
export function refuseNotFinite(scores: Float32Array, where: string): void {
  const bad = scores.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new RunError({
    where,
    expected: "finite scores",
    received: String(scores[bad]),
    hint: "check --normalize and the model",
  });
}
