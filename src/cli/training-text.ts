import { count, percentage } from "../report/format.js";
import type { TrainingResult } from "../training/index.js";

/** The result of a run in a few lines. */
export function trainingText(result: TrainingResult): string {
  const { margins, training_accuracy: aim, best, accuracy_before: before, accuracy_after: after } = result;
  const change = before === null ? "" : `${percentage(before)} % before, `;
  return [
    `${count(result.steps)} steps, ${(1000 * result.seconds_per_step).toFixed(0)} ms each, ${count(result.images_per_second)} images/s; loss ${result.loss.toFixed(4)}`,
    ...(margins === null ? [] : [`margins: ${margins.reason}`]),
    ...(aim === null ? [] : [`training accuracy: ${aim.reason}`]),
    `accuracy ${change}${percentage(after)} % after`,
    ...(best === null ? [] : [`best epoch: ${best.epoch}, ${percentage(best.accuracy)} % (${best.out})`]),
    `model: ${result.out}`,
  ].join("\n");
}
