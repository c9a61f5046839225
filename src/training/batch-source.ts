/** Turns the position in a run into what one step is fed: images read, augmented, normalised, and taken through the frozen part. */
import {
  augment,
  createGenerator,
  epochSampler,
  type Generator,
  type ImageBatch,
  type ImageDataset,
  type Normalization,
  normalize,
  outlierSampler,
  type Sampler,
  stepGenerator,
} from "../data/index.js";
import { ShapeError } from "../errors.js";
import type { Session } from "../runtime/index.js";
import { unpackRows } from "./feature-store.js";
import type { TrainingPlan } from "./plan.js";
import type { FeatureStores } from "./predictions.js";
import type { StepBatch } from "./trainer.js";

export interface BatchSourceOptions {
  readonly plan: TrainingPlan;
  readonly id: ImageDataset;
  /** Indices of the in-distribution images that are trained on. */
  readonly trainIndices: Int32Array;
  readonly outliers: ImageDataset | undefined;
  readonly batch: number;
  readonly outlierBatch: number;
  readonly shuffle: boolean;
  readonly augment: boolean;
  readonly normalization: Normalization | undefined;
  readonly seed: number;
  /** The frozen part, run on every batch: needed when it exists and its features are not stored. */
  readonly prefix: Session | undefined;
  /** Features of the frozen part, computed beforehand. */
  readonly stores: FeatureStores | undefined;
}

/** Every batch follows from the seed and the step alone, so that a run resumes to the same bits. */
export class BatchSource {
  readonly stepsPerEpoch: number;
  private readonly idSampler: Sampler;
  private readonly outlierSampler: Sampler | undefined;
  private readonly augmentation: Generator;

  constructor(private readonly options: BatchSourceOptions) {
    const { trainIndices, outliers, batch, outlierBatch, shuffle, seed } = options;
    const generator = createGenerator(seed);
    this.idSampler = epochSampler({
      length: trainIndices.length,
      batchSize: batch,
      shuffle,
      generator: generator.fork("id"),
    });
    this.stepsPerEpoch = this.idSampler.stepsPerEpoch;
    this.augmentation = generator.fork("augment");
    if (outliers !== undefined) {
      const { length } = outliers;
      this.outlierSampler = outlierSampler({
        length,
        batchSize: outlierBatch,
        shuffle,
        generator: generator.fork("outliers"),
      });
    }
  }

  /** @param step  from 0 over the whole run */
  async batch(step: number): Promise<StepBatch> {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const within = step % this.stepsPerEpoch;
    const { trainIndices, id } = this.options;
    const chosen = this.idSampler.batch(epoch, within).map((place) => trainIndices[place] as number);
    const outliers = this.outlierSampler?.batch(epoch, within) ?? new Int32Array(0);
    const labels = BigInt64Array.from(chosen, (index) => BigInt(id.labels?.[index] as number));
    const features = await this.features(chosen, outliers, stepGenerator(this.augmentation, epoch, within));
    return { features, labels, outliers: outliers.length };
  }

  private async features(
    chosen: Int32Array,
    outliers: Int32Array,
    generator: Generator,
  ): Promise<Record<string, Float32Array>> {
    const { plan, stores, prefix, normalization } = this.options;
    const count = chosen.length + outliers.length;
    if (stores !== undefined) {
      const packed = new Float32Array(count * stores.id.width);
      await stores.id.read(chosen, packed, 0);
      await stores.outliers?.read(outliers, packed, chosen.length);
      return unpackRows(packed, count, plan);
    }
    const images = join(await this.options.id.read(chosen), await this.options.outliers?.read(outliers));
    const data = normalize(this.options.augment ? augment(images, generator) : images, normalization);
    const { input } = plan.classifier;
    if (prefix === undefined) return { [input]: data };
    const outputs = await prefix.run({ [input]: { dtype: "float32", dims: [count, ...images.shape], data } });
    return Object.fromEntries(plan.partition.boundary.map((name) => [name, outputs[name]?.data as Float32Array]));
  }
}

/** The in-distribution images followed by the outliers, as one batch. */
function join(first: ImageBatch, second: ImageBatch | undefined): ImageBatch {
  if (second === undefined) return first;
  if (first.data instanceof Uint8Array !== second.data instanceof Uint8Array) {
    throw new ShapeError({
      where: "--outliers",
      expected: "the same kind of pixels as the in-distribution images",
      received: "bytes on one side and floats on the other",
      hint: "store both sets as bytes or both as floats in [0, 1]",
    });
  }
  const Data = first.data.constructor as Uint8ArrayConstructor;
  const data = new Data(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { data, count: first.count + second.count, shape: first.shape };
}
