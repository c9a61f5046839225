import { classBalancedSampler, epochSampler, type Generator, type Sampler, squareRootSampler } from "../data/index.js";

/** Which in-distribution images come how often. */
export type SamplingName = "shuffled" | "class-balanced" | "square-root";

interface SamplingOptions {
  /** Class of each image. */
  readonly labels: Int32Array;
  readonly batchSize: number;
  /** Of the sampling `shuffled`: false leaves the images in their own order. */
  readonly shuffle: boolean;
  readonly generator: Generator;
}

/** Every image once an epoch, or classes drawn anew for every image. */
export function trainingSampler(name: SamplingName, { labels, shuffle, ...options }: SamplingOptions): Sampler {
  switch (name) {
    case "shuffled":
      return epochSampler({ length: labels.length, shuffle, ...options });
    case "class-balanced":
      return classBalancedSampler({ labels, ...options });
    case "square-root":
      return squareRootSampler({ labels, ...options });
  }
}
