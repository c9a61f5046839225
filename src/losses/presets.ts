/**
 * The settings of Choi, Jeong and Choi, CVPR 2023, from the authors' scripts. They belong to the authors' networks: margins
 * made for one network destroy the accuracy of another, which is why they are presets and not defaults.
 */
export interface PaperPreset {
  readonly mIn: number;
  readonly mOut: number;
  readonly alpha: number;
  readonly gamma: number;
  readonly train: "all";
  readonly batchNorm: "batch";
  readonly dropout: boolean;
  readonly holdOut: 0;
  readonly epochs: number;
  readonly batch: number;
  readonly outlierBatch: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly schedule: "cosine";
}

const shared = {
  train: "all",
  batchNorm: "batch",
  dropout: false,
  holdOut: 0,
  epochs: 20,
  batch: 128,
  outlierBatch: 256,
  learningRate: 0.001,
  momentum: 0.9,
  weightDecay: 0.0005,
  schedule: "cosine",
} as const;

const cifar10 = { ...shared, mIn: -23, mOut: -5 };
const cifar100 = { ...shared, mIn: -27, mOut: -5 };
/** The authors' WRN-40-2 drops 0.3 of its units. */
const wideResNet = { dropout: true, gamma: 0.5 } as const;

/** Presets by name: data set, long-tailed or not, network. */
export const presets: Readonly<Record<string, PaperPreset>> = {
  "paper-cifar10-lt-resnet18": { ...cifar10, alpha: 10, gamma: 0.75 },
  "paper-cifar100-lt-resnet18": { ...cifar100, alpha: 100, gamma: 0.75 },
  "paper-cifar10-lt-wrn40-2": { ...cifar10, alpha: 10, ...wideResNet },
  "paper-cifar100-lt-wrn40-2": { ...cifar100, alpha: 100, ...wideResNet },
  "paper-cifar10-resnet18": { ...cifar10, alpha: 10, gamma: 0.05 },
  "paper-cifar100-resnet18": { ...cifar100, alpha: 100, gamma: 0.005 },
};
