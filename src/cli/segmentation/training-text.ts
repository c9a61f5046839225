import { count, percentage } from "../../report/format.js";
import type { SegmentationResult } from "../../training/segmentation/index.js";

/** The result of a run on scenes in a few lines. */
export function segmentationText(result: SegmentationResult): string {
  const { margins, best, miou_before: before, miou_after: after } = result;
  const change = before === null ? "" : `${percentage(before)} % before, `;
  return [
    `${count(result.steps)} steps, ${(1000 * result.seconds_per_step).toFixed(0)} ms each; loss ${result.loss.toFixed(4)}`,
    ...(margins === null ? [] : [`margins: ${margins.reason}`]),
    `mIoU ${change}${percentage(after)} % after`,
    ...(best === null ? [] : [`best epoch: ${best.epoch}, mIoU ${percentage(best.miou)} % (${best.out})`]),
    `model: ${result.out}`,
  ].join("\n");
}
