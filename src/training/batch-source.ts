/** Turns the position in a run into what one step is fed: images read, augmented, normalised, and taken through the frozen part. */
import {
  type Augmentation,
  createGenerator,
  type Generator,
  type ImageDataset,
  type Normalization,
  normalize,
  outlierSampler,
  type Sampler,
  stepGenerator,
} from "../data/index.js";
import type { Tensor } from "../onnx/types.js";
import type { Session } from "../runtime/index.js";
import { dropoutNumbers, droppingNodes } from "./dropout.js";
import { unpackRows } from "./feature-store.js";
import { countOf, joinImages, mixImages, partOf } from "./image-rows.js";
import type { TrainingPlan } from "./plan.js";
import type { FeatureStores } from "./predictions.js";
import { type SamplingName, trainingSampler } from "./sampling.js";
import { stepInputs } from "./step-inputs.js";
import { rowsOf } from "./step-network.js";
import type { BatchSizes } from "./step-options.js";
import { TailPaster } from "./tail-paster.js";
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
  /** Which in-distribution images come how often; default `shuffled`. */
  readonly sampling?: SamplingName;
  /** Of all images; undefined: they stay as they are. */
  readonly augmentation: Augmentation | undefined;
  /** Parameter of mixup's Beta distribution, for in-distribution images; undefined: none are mixed. */
  readonly mixup?: number | undefined;
  readonly normalization: Normalization | undefined;
  readonly seed: number;
  /** Differently augmented rows of each in-distribution image in a batch; default 1. All first views come first. */
  readonly views?: 1 | 2;
  /** Chances, K numbers, by which every outlier is given a class for one update; undefined: none is. */
  readonly outlierClasses?: readonly number[] | undefined;
  /** Classes whose images are pasted onto others, one pasted image for every in-distribution image; undefined: none are. */
  readonly pastedClasses?: readonly number[] | undefined;
  /** Whether the model's Dropout nodes drop units; default false. */
  readonly dropout?: boolean;
  /** The frozen part, run on every batch: needed when it exists and its features are not stored. */
  readonly prefix: Session | undefined;
  /** Features of the frozen part, computed beforehand: for images that nothing changes. */
  readonly stores: FeatureStores | undefined;
}

/** The images of a batch by index. */
interface Chosen {
  readonly id: Int32Array;
  readonly pasted: Int32Array;
  readonly outliers: Int32Array;
}

/** Every batch follows from the seed and the step alone, so that a run resumes to the same bits. */
export class BatchSource {
  readonly stepsPerEpoch: number;
  private readonly idSampler: Sampler;
  private readonly outlierSampler: Sampler | undefined;
  private readonly paster: TailPaster | undefined;
  private readonly generator: Generator;
  private readonly droppingNodes: number;

  constructor(private readonly options: BatchSourceOptions) {
    const { id, trainIndices, outliers, batch, outlierBatch, shuffle, sampling, seed, pastedClasses } = options;
    this.generator = createGenerator(seed);
    this.idSampler = trainingSampler(sampling ?? "shuffled", {
      labels: trainIndices.map((index) => id.labels?.[index] as number),
      batchSize: batch,
      shuffle,
      generator: this.generator.fork("id"),
    });
    this.stepsPerEpoch = this.idSampler.stepsPerEpoch;
    const { classifier, partition } = options.plan;
    this.droppingNodes = options.dropout ? droppingNodes(classifier.upgraded.graph, partition.trained).size : 0;
    if (outliers === undefined) return;
    this.outlierSampler = outlierSampler({
      length: outliers.length,
      batchSize: outlierBatch,
      shuffle,
      generator: this.generator.fork("outliers"),
    });
    if (pastedClasses !== undefined) this.paster = new TailPaster(id, trainIndices, pastedClasses);
  }

  /** Sizes of a batch that has every kind of row that batches of this run have. */
  get smallest(): BatchSizes {
    return {
      batch: 1,
      ...(this.paster === undefined ? {} : { pastedBatch: 1 }),
      outlierBatch: this.outlierSampler === undefined ? 0 : 1,
    };
  }

  /** @param step  from 0 over the whole run */
  async batch(step: number): Promise<StepBatch> {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const within = step % this.stepsPerEpoch;
    const own = (name: string) => stepGenerator(this.generator.fork(name), epoch, within);
    const { trainIndices, views } = this.options;
    const images = this.idSampler.batch(epoch, within).map((place) => trainIndices[place] as number);
    const chosen = {
      id: views === 2 ? Int32Array.of(...images, ...images) : images,
      pasted: this.paster?.choose(images.length, own("pasted images")) ?? new Int32Array(0),
      outliers: this.outlierSampler?.batch(epoch, within) ?? new Int32Array(0),
    };
    const sizes = {
      batch: chosen.id.length,
      ...(this.paster === undefined ? {} : { pastedBatch: chosen.pasted.length }),
      outlierBatch: chosen.outliers.length,
    };
    return { sizes, feeds: { ...(await this.features(chosen, own)), ...this.further(chosen, sizes, own) } };
  }

  /** Labels, and what else the loss or the model call for beside images. */
  private further({ id, pasted, outliers }: Chosen, sizes: BatchSizes, own: (name: string) => Generator) {
    const { outlierClasses } = this.options;
    return {
      [stepInputs.labels]: this.classesOf(id),
      ...(pasted.length > 0 && { [stepInputs.pastedLabels]: this.classesOf(pasted) }),
      ...(outlierClasses !== undefined && {
        [stepInputs.outlierLabels]: drawnClasses(outlierClasses, outliers.length, own("outlier labels")),
      }),
      ...(this.droppingNodes > 0 && {
        [stepInputs.dropout]: dropoutNumbers(rowsOf(sizes), this.droppingNodes, own("dropout")),
      }),
    };
  }

  /** The boundary tensors of a batch, and how its images were mixed. */
  private async features(chosen: Chosen, own: (name: string) => Generator): Promise<Record<string, Tensor>> {
    const { plan, stores, prefix } = this.options;
    if (stores !== undefined) {
      const { id, outliers } = chosen;
      const count = id.length + outliers.length;
      const packed = new Float32Array(count * stores.id.width);
      await stores.id.read(id, packed, 0);
      await stores.outliers?.read(outliers, packed, id.length);
      return tensors(unpackRows(packed, count, plan), count, plan);
    }
    const { pixels, mixing } = await this.pixels(chosen, own);
    const { input } = plan.classifier;
    return { ...(prefix === undefined ? { [input]: pixels } : await prefix.run({ [input]: pixels })), ...mixing };
  }

  private async pixels(chosen: Chosen, own: (name: string) => Generator) {
    const { id, outliers, augmentation, mixup, normalization } = this.options;
    const known = await id.read(Int32Array.of(...chosen.id, ...chosen.pasted));
    const read = joinImages(known, await outliers?.read(chosen.outliers));
    const images = augmentation === undefined ? read : augmentation(read, own("augment"));
    const idImages = partOf(images, 0, chosen.id.length);
    const outlierImages = partOf(images, known.count, images.count);
    const foreground = partOf(images, chosen.id.length, known.count);
    const labels = chosen.id.map((index) => id.labels?.[index] as number);
    const pasted = this.paster?.paste(foreground, { images: idImages, labels }, outlierImages, own("pasting"));
    const mixed = mixup === undefined ? undefined : mixImages(idImages, labels, mixup, own("mixup"));
    const parts = [mixed?.batch ?? idImages, ...(pasted === undefined ? [] : [pasted]), outlierImages];
    const pixels = new Float32Array(countOf(parts) * (images.data.length / images.count));
    let start = 0;
    for (const part of parts) {
      const values = normalize(part, normalization);
      pixels.set(values, start);
      start += values.length;
    }
    const dims = [countOf(parts), ...images.shape];
    return { pixels: { dtype: "float32", dims, data: pixels } as const satisfies Tensor, mixing: mixed?.feeds ?? {} };
  }

  private classesOf(indices: Int32Array): Tensor {
    const data = BigInt64Array.from(indices, (index) => BigInt(this.options.id.labels?.[index] as number));
    return { dtype: "int64", dims: [indices.length], data };
  }
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
function drawnClasses(chances: readonly number[], count: number, generator: Generator): Tensor {
  const data = BigInt64Array.from({ length: count }, () => {
    let left = generator.uniform();
    const found = chances.findIndex((chance) => {
      left -= chance;
      return left < 0;
    });
    // Rounding may leave a little beyond the last class.
    return BigInt(found < 0 ? chances.length - 1 : found);
  });
  return { dtype: "int64", dims: [count], data };
}
