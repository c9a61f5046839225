/** What a report is made from: plain data, independent of where it came from. OOD is the positive class throughout. */

export interface MetricValue {
  /** Fraction, 0 to 1; NaN when it could not be measured, shown as a dash. */
  readonly value: number;
  /** 95 % interval as fractions, lower end first. */
  readonly interval?: readonly [low: number, high: number];
}

/** Detection of one OOD set by one score of one model. */
export interface DetectionRow {
  readonly model: string;
  readonly score: string;
  readonly ood: string;
  readonly auroc: MetricValue;
  readonly aupr: MetricValue;
  /** False positive rate at 95 % recall of the OOD images. */
  readonly fpr95: MetricValue;
}

/** The curves of one score on one OOD set. */
export interface DetectionCurves {
  readonly ood: string;
  readonly score: string;
  /** From (0, 0) to (1, 1), both coordinates ascending. */
  readonly roc: readonly (readonly [fpr: number, tpr: number])[];
  /** Images per bin; bins of equal width, edges ascending and one more than bins. */
  readonly histogram: {
    readonly edges: ArrayLike<number>;
    readonly id: ArrayLike<number>;
    readonly ood: ArrayLike<number>;
  };
}

/** One training step. A quantity the loss does not have is NaN and is not drawn. */
export interface TrainingPoint {
  readonly step: number;
  readonly loss: number;
  readonly crossEntropy: number;
  readonly regularization: number;
  /** Mean energy of the in-distribution batch, in logit units. */
  readonly inEnergy: number;
  /** Mean energy of the outlier batch, in logit units. */
  readonly outEnergy: number;
  readonly learningRate: number;
}

/** Pixels as they are in a picture file: row by row, channels interleaved ([height, width, channels]), 0 to 255. */
export interface ReportImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1 (grey), 3 (RGB) or 4 (RGBA). */
  readonly channels: number;
}

/** An OOD image that the model took for one of its own classes. */
export interface Mistake {
  readonly image: ReportImage;
  /** The OOD set it comes from. */
  readonly set: string;
  readonly predicted: string;
  /** Probability of the predicted class, 0 to 1. */
  readonly confidence: number;
}

export interface ModelResult {
  /** For example `untouched` or `balanced-energy`. Unique in a report. */
  readonly name: string;
  /** Fraction, 0 to 1. */
  readonly accuracy?: number;
  /** Accuracy over the classes with many, a medium number of and few training images, as fractions. */
  readonly accuracyGroups?: Readonly<Record<"many" | "medium" | "few", number>>;
  /** The same of predictions from logits adjusted to the class counts. */
  readonly adjusted?: {
    readonly accuracy: number;
    readonly groups: Readonly<Record<"many" | "medium" | "few", number>>;
  };
  readonly rows: readonly DetectionRow[];
  readonly curves: readonly DetectionCurves[];
  readonly training?: readonly TrainingPoint[];
  /** Most confident first. */
  readonly mistakes?: readonly Mistake[];
}

/** How a model spreads the outliers over its classes. */
export interface ReportPrior {
  readonly classNames: readonly string[];
  /** Share of each class, in the order of `classNames`; sums to 1. */
  readonly share: readonly number[];
  /** Number of outlier images counted. */
  readonly outliers: number;
}

export interface Report {
  readonly title: string;
  /** What was done, and what came of it. */
  readonly summary: readonly [string, string];
  /** Metric preset, sizes of the sets, and that OOD is the positive class. */
  readonly protocol: string;
  readonly models: readonly ModelResult[];
  /** Name of the model that the others are compared with. */
  readonly baseline: string;
  readonly prior?: ReportPrior;
  /** Versions, seeds, hashes, settings: shown as given, in this order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly notes: readonly string[];
}
