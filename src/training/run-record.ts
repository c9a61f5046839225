/** What `run.json` says of every kind of run. */
import { version } from "../version.js";
import type { Preparation } from "./preparation.js";
import type { LogRow } from "./run-files.js";
import type { TrainingResult } from "./training-options.js";

/** The reported loss is the mean over this many last steps. */
const reportedSteps = 20;

export function meanOfLast(history: readonly LogRow[]): number {
  const recent = history.slice(-reportedSteps);
  return recent.reduce((sum, row) => sum + row.loss, 0) / recent.length;
}

export function marginsOf({
  margins,
  lossOptions,
}: Pick<Preparation, "margins" | "lossOptions">): TrainingResult["margins"] {
  if (margins === null) return null;
  const { alpha, gamma } = lossOptions as { alpha?: number; gamma?: number };
  return {
    m_in: margins.mIn,
    m_out: margins.mOut,
    ...(alpha === undefined ? {} : { alpha }),
    ...(gamma === undefined ? {} : { gamma }),
    reason: margins.reason,
  };
}

export function versions() {
  return { offmap: version, node: process.version, platform: `${process.platform} ${process.arch}` };
}
