import type { Generator } from "./random.js";
import { checkPosition, checkSizes, type Sampler, stepGenerator } from "./sampling.js";
import { classCounts, indicesByClass } from "./splits.js";

export interface ClassSamplerOptions {
  /** Class of each image, from 0. */
  readonly labels: Int32Array;
  /** Images per batch. */
  readonly batchSize: number;
  readonly generator: Generator;
}

/**
 * Batches in which every class is equally likely: a class is drawn, then one of its images, both with replacement. Images of
 * rare classes come often, those of frequent ones seldom. Classes without images are never drawn.
 *
 * An epoch has as many images as the set, its last batch what is left; steps past its end are refused.
 *
 * @throws DataError for no image or a negative label, OptionError for a batch size that is no integer ≥ 1
 */
export function classBalancedSampler(options: ClassSamplerOptions): Sampler {
  return classSampler(options, 0);
}

/**
 * As {@link classBalancedSampler}, but a class of n images has a probability proportional to √n: between class-balanced
 * batches and those that follow the set. Mahajan et al., "Exploring the Limits of Weakly Supervised Pretraining", ECCV 2018.
 */
export function squareRootSampler(options: ClassSamplerOptions): Sampler {
  return classSampler(options, 0.5);
}

/**
 * A class of n images has a probability proportional to n^power. Kang et al., "Decoupling Representation and Classifier for
 * Long-Tailed Recognition", ICLR 2020, eq. 1.
 */
function classSampler({ labels, batchSize, generator }: ClassSamplerOptions, power: number): Sampler {
  const length = labels.length;
  checkSizes("images to draw", length, batchSize);
  const labelled = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  classCounts(labels, labelled);
  const classes = [...indicesByClass(labels).values()];
  // Upper ends of the classes' shares in [0, total).
  const ends: number[] = [];
  for (const members of classes) ends.push((ends.at(-1) ?? 0) + members.length ** power);
  const total = ends.at(-1) as number;
  const steps = Math.ceil(length / batchSize);
  const draws = generator.fork("classes");
  return {
    stepsPerEpoch: steps,
    batch(epoch, step) {
      checkPosition(epoch, step, steps);
      const own = stepGenerator(draws, epoch, step);
      return Int32Array.from({ length: Math.min(batchSize, length - step * batchSize) }, () => {
        const members = classes[firstAbove(ends, own.uniform() * total)] as number[];
        return members[own.integer(members.length)] as number;
      });
    },
  };
}

/** Place of the first of ascending numbers that is above a value; the last one where rounding leaves none. */
function firstAbove(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
