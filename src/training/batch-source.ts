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
import type { Tensor } from "../onnx/types.js";
import type { Session } from "../runtime/index.js";
import { dropoutNumbers, droppingNodes } from "./dropout.js";
import { unpackRows } from "./feature-store.js";
import type { TrainingPlan } from "./plan.js";
import type { FeatureStores } from "./predictions.js";
import { stepInputs } from "./step-inputs.js";
import { rowsOf } from "./step-network.js";
import type { BatchSizes } from "./step-options.js";
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
  /** Differently augmented rows of each in-distribution image in a batch; default 1. All first views come first. */
  readonly views?: 1 | 2;
  /** Chances, K numbers, by which every outlier is given a class for one update; undefined: none is. */
  readonly outlierClasses?: readonly number[] | undefined;
  /** Whether the model's Dropout nodes drop units; default false. */
  readonly dropout?: boolean;
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
  private readonly labelling: Generator;
  private readonly masking: Generator;
  private readonly droppingNodes: number;

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
    this.labelling = generator.fork("outlier labels");
    this.masking = generator.fork("dropout");
    const { classifier, partition } = options.plan;
    this.droppingNodes = options.dropout ? droppingNodes(classifier.upgraded.graph, partition.trained).size : 0;
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

  /** Sizes of a batch that has every kind of row that batches of this run have. */
  get smallest(): BatchSizes {
    return { batch: 1, outlierBatch: this.outlierSampler === undefined ? 0 : 1 };
  }

  /** @param step  from 0 over the whole run */
  async batch(step: number): Promise<StepBatch> {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const within = step % this.stepsPerEpoch;
    const { trainIndices, id } = this.options;
    const images = this.idSampler.batch(epoch, within).map((place) => trainIndices[place] as number);
    const chosen = this.options.views === 2 ? Int32Array.of(...images, ...images) : images;
    const outliers = this.outlierSampler?.batch(epoch, within) ?? new Int32Array(0);
    const sizes = { batch: chosen.length, outlierBatch: outliers.length };
    const feeds = {
      ...(await this.features(chosen, outliers, stepGenerator(this.augmentation, epoch, within))),
      ...this.further(sizes, epoch, within),
      [stepInputs.labels]: classesOf(id, chosen),
    };
    return { sizes, feeds };
  }

  /** What the loss or the model call for beside images and labels. */
  private further(sizes: BatchSizes, epoch: number, within: number): Record<string, Tensor> {
    const { outlierClasses } = this.options;
    const { outlierBatch: outliers } = sizes;
    const found: Record<string, Tensor> = {};
    if (outlierClasses !== undefined) {
      const data = drawnClasses(outlierClasses, outliers, stepGenerator(this.labelling, epoch, within));
      found[stepInputs.outlierLabels] = { dtype: "int64", dims: [outliers], data };
    }
    if (this.droppingNodes > 0) {
      const generator = stepGenerator(this.masking, epoch, within);
      found[stepInputs.dropout] = dropoutNumbers(rowsOf(sizes), this.droppingNodes, generator);
    }
    return found;
  }

  private async features(
    chosen: Int32Array,
    outliers: Int32Array,
    generator: Generator,
  ): Promise<Record<string, Tensor>> {
    const { plan, stores, prefix, normalization } = this.options;
    const count = chosen.length + outliers.length;
    if (stores !== undefined) {
      const packed = new Float32Array(count * stores.id.width);
      await stores.id.read(chosen, packed, 0);
      await stores.outliers?.read(outliers, packed, chosen.length);
      return tensors(unpackRows(packed, count, plan), count, plan);
    }
    const images = join(await this.options.id.read(chosen), await this.options.outliers?.read(outliers));
    const data = normalize(this.options.augment ? augment(images, generator) : images, normalization);
    const { input } = plan.classifier;
    const pixels: Tensor = { dtype: "float32", dims: [count, ...images.shape], data };
    return prefix === undefined ? { [input]: pixels } : prefix.run({ [input]: pixels });
  }
}

function classesOf({ labels }: ImageDataset, indices: Int32Array): Tensor {
  const data = BigInt64Array.from(indices, (index) => BigInt(labels?.[index] as number));
  return { dtype: "int64", dims: [indices.length], data };
}

/** Rows of each boundary tensor with their shapes. */
function tensors(rows: Readonly<Record<string, Float32Array>>, count: number, plan: TrainingPlan) {
  return Object.fromEntries(
    Object.entries(rows).map(([name, data]) => {
      const dims = [count, ...(plan.rows.get(name) ?? [])];
      return [name, { dtype: "float32", dims, data } as const satisfies Tensor];
    }),
  );
}

/** Classes drawn by their chances. */
function drawnClasses(chances: readonly number[], count: number, generator: Generator): BigInt64Array {
  return BigInt64Array.from({ length: count }, () => {
    let left = generator.uniform();
    const found = chances.findIndex((chance) => {
      left -= chance;
      return left < 0;
    });
    // Rounding may leave a little beyond the last class.
    return BigInt(found < 0 ? chances.length - 1 : found);
  });
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
