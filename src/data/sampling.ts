import { DataError, OptionError } from "../errors.js";
import type { Generator } from "./random.js";

/** Which images each step of each epoch sees. Every batch follows from (epoch, step) alone, so a run resumes anywhere. */
export interface Sampler {
  /** Batches before the images have all been seen once; the last one may be smaller. */
  readonly stepsPerEpoch: number;
  /**
   * Image indices of one batch.
   *
   * @param epoch  from 0
   * @param step   from 0, counted from the start of the epoch
   */
  batch(epoch: number, step: number): Int32Array;
}

export interface SamplerOptions {
  /** Number of images. */
  readonly length: number;
  /** Images per batch. */
  readonly batchSize: number;
  /** Random order (default) or the dataset's own order. */
  readonly shuffle?: boolean;
  readonly generator: Generator;
}

/**
 * In-distribution batches: every image once an epoch, in a new random order each epoch (or in the dataset's own order
 * from image 0), the last batch of an epoch as small as what is left. Steps past the end of an epoch are refused.
 */
export function epochSampler({ length, batchSize, shuffle = true, generator }: SamplerOptions): Sampler {
  checkSizes("in-distribution images", length, batchSize);
  const stepsPerEpoch = Math.ceil(length / batchSize);
  const orders = generator.fork("order");
  let order = shuffle ? undefined : fileOrder(length);
  let orderedEpoch = -1;
  return {
    stepsPerEpoch,
    batch(epoch, step) {
      checkPosition(epoch, step, stepsPerEpoch);
      if (order === undefined || (shuffle && epoch !== orderedEpoch)) {
        order = orders.fork(epoch).permutation(length);
        orderedEpoch = epoch;
      }
      return order.slice(step * batchSize, (step + 1) * batchSize);
    },
  };
}

/**
 * Outlier batches: one random order for the whole run, entered at a random place each epoch and read round and round, so
 * that batches are always full and a set shorter than an epoch is cycled. Without shuffling, the dataset's own order from
 * image 0, each epoch anew. Any step of an epoch may be asked for.
 *
 * Energy-OOD and Outlier Exposure draw such an offset into 80 million images that lie in no order; sets of users often
 * lie in class order, where a window would hold one class only, hence the random order. The code of Balanced Energy has
 * the offset but, by an oversight, without effect.
 */
export function outlierSampler({ length, batchSize, shuffle = true, generator }: SamplerOptions): Sampler {
  checkSizes("outliers", length, batchSize);
  const order = shuffle ? generator.fork("order").permutation(length) : fileOrder(length);
  const offsets = generator.fork("offset");
  return {
    stepsPerEpoch: Math.ceil(length / batchSize),
    batch(epoch, step) {
      checkPosition(epoch, step);
      const start = (shuffle ? offsets.fork(epoch).integer(length) : 0) + step * batchSize;
      return Int32Array.from({ length: batchSize }, (_, place) => order[(start + place) % length] as number);
    },
  };
}

/** The generator of one step, for augmentation: the same bits for the same (seed, epoch, step), whatever ran before. */
export function stepGenerator(generator: Generator, epoch: number, step: number): Generator {
  return generator.fork(epoch).fork(step);
}

/** Index batches that pass once over `length` images in order; the last one may be smaller. */
export function* sequentialBatches(length: number, batchSize: number): IterableIterator<Int32Array> {
  checkSizes("images", length, batchSize);
  for (let start = 0; start < length; start += batchSize) {
    yield Int32Array.from({ length: Math.min(batchSize, length - start) }, (_, place) => start + place);
  }
}

function fileOrder(length: number): Int32Array {
  return Int32Array.from({ length }, (_, index) => index);
}

/** @throws DataError for no image, OptionError for a batch size that is no integer ≥ 1 */
export function checkSizes(what: string, length: number, batchSize: number): void {
  if (length < 1) throw new DataError({ where: what, expected: "at least one image", received: "none" });
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new OptionError({ where: "batch size", expected: "an integer of at least 1", received: String(batchSize) });
  }
}

/**
 * @param stepsPerEpoch  where an epoch ends; default: nowhere
 * @throws OptionError for a step that is not there
 */
export function checkPosition(epoch: number, step: number, stepsPerEpoch = Number.POSITIVE_INFINITY): void {
  if (!Number.isSafeInteger(epoch) || epoch < 0 || !Number.isSafeInteger(step) || step < 0) {
    throw new OptionError({ where: "epoch and step", expected: "integers from 0", received: `${epoch} and ${step}` });
  }
  if (step >= stepsPerEpoch) {
    throw new OptionError({
      where: "step",
      expected: `below ${stepsPerEpoch}, the steps of an epoch`,
      received: `${step}`,
    });
  }
}
