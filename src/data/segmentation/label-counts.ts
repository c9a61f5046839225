import { DataError } from "../../errors.js";
import { outlierLabel, type SegmentationDataset, voidLabel } from "./types.js";

/**
 * Counts the pixels of each label.
 *
 * @param labels  train ids, `outlierLabel` and `voidLabel`
 * @param counts  of each label so far, [256]; added to. Default: a new array of zeros
 * @returns `counts`
 */
export function countLabels(labels: Uint8Array, counts: Float64Array = new Float64Array(256)): Float64Array {
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel] as number;
    counts[label] = (counts[label] as number) + 1;
  }
  return counts;
}

/** Pixels of each label over a whole dataset, [256]: reads every scene. */
export async function countDatasetLabels(dataset: SegmentationDataset): Promise<Float64Array> {
  const counts = new Float64Array(256);
  for (let index = 0; index < dataset.length; index++) countLabels((await dataset.readOne(index)).labels, counts);
  return counts;
}

/**
 * Checks that anomaly detection can be measured: there must be anomalies and other pixels. Void counts as neither.
 *
 * @param counts  pixels of each label, [256]
 * @param where   the dataset, for the message
 * @throws DataError when one of the two is missing
 */
export function requireAnomalies(counts: Float64Array, where: string): void {
  const anomalies = counts[outlierLabel] as number;
  const inDistribution = counts.subarray(0, outlierLabel).reduce((sum, count) => sum + count, 0);
  if (anomalies > 0 && inDistribution > 0) return;
  throw new DataError({
    where,
    expected: "pixels of anomalies and of known classes",
    received:
      anomalies + inDistribution === 0
        ? `void only (${counts[voidLabel]} pixels)`
        : anomalies === 0
          ? `no anomaly (${inDistribution} pixels of known classes)`
          : `anomalies only (${anomalies} pixels)`,
    hint: anomalies === 0 ? "classes become anomalies with outlier=NAME; objects can be pasted" : "check the label map",
  });
}
