/** How well the components that a method finds in one image agree with the true ones. */
import { outlierPixel } from "../pixels/check-pixels.js";
import { type Components, connectedComponents } from "./connected-components.js";

/** Components with fewer pixels do not count. */
export interface MinimumSizes {
  /** True components: their pixels become void. */
  readonly truth: number;
  /** Predicted components: they are taken back. */
  readonly prediction: number;
}

export interface ComponentOverlap {
  /** Adjusted IoU of each true component, float64, in [0, 1]. */
  readonly siou: Float64Array;
  /** Positive predictive value of each predicted component, float64, in [0, 1]. */
  readonly ppv: Float64Array;
}

/**
 * For a true component k and the predicted components K̂(k) that meet it,
 *
 *   sIoU(k) = |k ∩ K̂(k)| / |(k ∪ K̂(k)) \ A(k)|,      A(k) = pixels of K̂(k) that belong to other true components
 *
 * so that a prediction that spans two objects is held against neither; and for a predicted component k̂
 *
 *   PPV(k̂) = |k̂ ∩ all true components| / |k̂|.
 *
 * Chan et al., "SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation", NeurIPS 2021 datasets track. In the order of the benchmark's code: void pixels are
 * no prediction; small predicted components are taken back; small true components become void, and what was predicted there no longer
 * counts; then pixels are counted.
 *
 * @param mask       uint8 [H, W]: 0 in-distribution, 1 outlier, else void
 * @param predicted  uint8 [H, W]: 1 where an outlier is predicted, else 0
 * @param width      W
 * @throws ShapeError when the pixels do not fill whole rows
 */
export function componentOverlap(
  mask: Uint8Array,
  predicted: Uint8Array,
  width: number,
  minimum: MinimumSizes,
): ComponentOverlap {
  const truth = connectedComponents(
    mask.map((kind) => Number(kind === outlierPixel)),
    width,
  );
  const prediction = connectedComponents(
    predicted.map((called, index) => ((mask[index] as number) > outlierPixel ? 0 : called)),
    width,
  );
  const { pairs, sizes } = meetings(truth, prediction, mask, minimum);
  /** Of each predicted component, its pixels within true ones. */
  const covered = new Float64Array(prediction.count + 1);
  for (const { predictedLabel, pixels } of pairs)
    covered[predictedLabel] = (covered[predictedLabel] as number) + pixels;
  const intersection = new Float64Array(truth.count + 1);
  /** |K̂(k)| without the true components that it meets, k among them. */
  const beside = new Float64Array(truth.count + 1);
  for (const { trueLabel, predictedLabel, pixels } of pairs) {
    intersection[trueLabel] = (intersection[trueLabel] as number) + pixels;
    const alone = (sizes[predictedLabel] as number) - (covered[predictedLabel] as number);
    beside[trueLabel] = (beside[trueLabel] as number) + alone;
  }
  const siou: number[] = [];
  for (let label = 1; label <= truth.count; label++) {
    const size = truth.sizes[label] as number;
    if (size >= minimum.truth) siou.push((intersection[label] as number) / (size + (beside[label] as number)));
  }
  const ppv: number[] = [];
  for (let label = 1; label <= prediction.count; label++) {
    const size = sizes[label] as number;
    if (size > 0) ppv.push((covered[label] as number) / size);
  }
  return { siou: Float64Array.from(siou), ppv: Float64Array.from(ppv) };
}

interface Meeting {
  readonly trueLabel: number;
  readonly predictedLabel: number;
  readonly pixels: number;
}

/** Which components meet in how many pixels, and how many pixels of each predicted component count: 0 for those that are too small. */
function meetings(
  truth: Components,
  prediction: Components,
  mask: Uint8Array,
  minimum: MinimumSizes,
): { pairs: Meeting[]; sizes: Float64Array } {
  const sizes = new Float64Array(prediction.count + 1);
  const met = new Map<number, number>();
  for (let index = 0; index < mask.length; index++) {
    const predictedLabel = prediction.labels[index] as number;
    if (predictedLabel === 0 || (prediction.sizes[predictedLabel] as number) < minimum.prediction) continue;
    const trueLabel = truth.labels[index] as number;
    if (trueLabel > 0 && (truth.sizes[trueLabel] as number) < minimum.truth) continue;
    sizes[predictedLabel] = (sizes[predictedLabel] as number) + 1;
    if (trueLabel === 0) continue;
    const pair = trueLabel * (prediction.count + 1) + predictedLabel;
    met.set(pair, (met.get(pair) ?? 0) + 1);
  }
  const pairs = [...met].map(([pair, pixels]) => ({
    trueLabel: Math.floor(pair / (prediction.count + 1)),
    predictedLabel: pair % (prediction.count + 1),
    pixels,
  }));
  return { pairs, sizes };
}
