/** Step 1 of the method on pixels: how the untouched model sees outlier pixels of synthesised scenes, and its own classes beside them. */
import { createGenerator, outlierLabel, type SceneSamplerOptions, sceneSampler } from "../../data/index.js";
import { CancelledError, DataError } from "../../errors.js";
import { describePrior, type Prior } from "../prior.js";
import { type Progress, silent } from "../progress.js";
import { pixelClasses, type ScenePredictor } from "./scene-predictor.js";

export interface MeasureOptions {
  /** Scenes to synthesise. */
  readonly count: number;
  readonly seed: number;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was found on synthesised scenes. Rows are logits of the classes, float32 [pixels, K]: an even sample of all pixels. */
export interface PixelMeasurement {
  /** Outlier pixels that were put into each class. */
  readonly counts: readonly number[];
  readonly outlierRows: Float32Array;
  readonly inlierRows: Float32Array;
}

/** Pixels that rows are kept of, at most. */
const sampledPixels = 500_000;

/**
 * Synthesises scenes as for training, but each with an outlier object where there are any, and runs the model over them.
 *
 * @param predictor  of the untouched model
 * @param scenes     as for training
 */
export async function measurePixels(
  predictor: ScenePredictor,
  classes: number,
  scenes: Omit<SceneSamplerOptions, "generator" | "outlierShare">,
  { count, seed, progress = silent, signal }: MeasureOptions,
): Promise<PixelMeasurement> {
  const outlierShare = scenes.outliers === undefined ? 0 : 1;
  const sampler = sceneSampler({ ...scenes, outlierShare, generator: createGenerator(seed).fork("measured scenes") });
  const { height, width } = scenes.crop;
  const pixels = height * width;
  const counts = new Array<number>(classes).fill(0);
  const stride = Math.max(1, Math.ceil((count * pixels) / sampledPixels));
  const rows = { outlier: new RowSample(stride, classes), inlier: new RowSample(stride, classes) };
  progress.start("Measuring the model on synthesised scenes", count, "scenes");
  for (let done = 0, batch = 0; done < count; batch++) {
    if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
    const sampled = await sampler.batch(Math.floor(batch / sampler.stepsPerEpoch), batch % sampler.stepsPerEpoch);
    const logits = await predictor.logits(sampled);
    for (let scene = 0; scene < sampled.images.count && done < count; scene++, done++) {
      const own = logits.subarray(scene * classes * pixels, (scene + 1) * classes * pixels);
      const labels = sampled.labels.subarray(scene * pixels, (scene + 1) * pixels);
      const predicted = pixelClasses(own, classes);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const label = labels[pixel] as number;
        if (label > outlierLabel) continue;
        if (label < outlierLabel) rows.inlier.offer(own, pixel);
        else {
          const found = predicted[pixel] as number;
          counts[found] = (counts[found] as number) + 1;
          rows.outlier.offer(own, pixel);
        }
      }
    }
    progress.update(done);
  }
  progress.finish();
  return { counts, outlierRows: rows.outlier.taken(), inlierRows: rows.inlier.taken() };
}

/**
 * The prior of outlier pixels: the share of each class among the model's predictions for them. Choi, Jeong and Choi, CVPR 2023, algorithm 1,
 * step 1; for segmentation they take 10,000 scenes.
 *
 * @throws DataError when no scene shows an outlier pixel
 */
export function pixelPrior({ counts }: PixelMeasurement, classNames?: readonly string[]): Prior {
  if (counts.every((count) => count === 0)) {
    throw new DataError({
      where: "--outliers",
      expected: "outlier pixels in the synthesised scenes, to measure a prior on",
      received: "none",
      hint: "check that the cut-outs have opaque pixels and that the crop is not tiny",
    });
  }
  return describePrior(counts, classNames);
}

/** {@link measurePixels} for the prior alone. */
export async function measurePixelPrior(
  predictor: ScenePredictor,
  classes: number,
  scenes: Omit<SceneSamplerOptions, "generator" | "outlierShare">,
  options: MeasureOptions,
): Promise<Prior> {
  return pixelPrior(await measurePixels(predictor, classes, scenes, options), scenes.scenes.classNames);
}

/** Every so many-th of the pixels offered, as rows. */
class RowSample {
  private offered = 0;
  private readonly values: number[] = [];

  constructor(
    private readonly stride: number,
    private readonly classes: number,
  ) {}

  /** @param logits  [K, H, W] of the scene */
  offer(logits: Float32Array, pixel: number): void {
    if (this.offered++ % this.stride !== 0) return;
    const pixels = logits.length / this.classes;
    for (let c = 0; c < this.classes; c++) this.values.push(logits[c * pixels + pixel] as number);
  }

  taken(): Float32Array {
    return Float32Array.from(this.values);
  }
}
