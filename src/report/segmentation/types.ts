import type { Size } from "../../data/index.js";
import type { DetectionRow, ReportPrior } from "../types.js";

/** What the report on a segmentation network is made from: plain data. Anomalies are the positive class. */
export interface SegmentationReport {
  readonly title: string;
  /** What was done, and what came of it. */
  readonly summary: readonly string[];
  /** Metric preset, sizes of the sets, and what is pooled. */
  readonly protocol: string;
  readonly models: readonly SegmentationResult[];
  /** Name of the model that the others are compared with. */
  readonly baseline: string;
  readonly classNames: readonly string[];
  readonly otherProtocols: readonly ProtocolTable[];
  readonly sets: readonly ShownSet[];
  readonly prior?: ReportPrior;
  /** Versions, hashes, settings: shown as given, in this order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly notes: readonly string[];
}

export interface SegmentationResult {
  /** Unique in a report. */
  readonly name: string;
  /** mIoU of the in-distribution classes, by the set it was measured on, as fractions. */
  readonly segmentation: readonly {
    readonly set: string;
    readonly miou: number;
    readonly classIou: readonly (number | null)[];
  }[];
  /** A row per set and score. */
  readonly rows: readonly DetectionRow[];
  readonly curves: readonly {
    readonly set: string;
    readonly score: string;
    readonly roc: readonly (readonly [fpr: number, tpr: number])[];
    /** Pixels per bin; edges ascending and one more than bins. */
    readonly histogram: {
      readonly edges: ArrayLike<number>;
      readonly id: ArrayLike<number>;
      readonly ood: ArrayLike<number>;
    };
  }[];
}

/** Metrics of another protocol; the first three columns say of which model, score and set. */
export interface ProtocolTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Images of one set, with everything beside them. */
export interface ShownSet {
  readonly name: string;
  /** What decided which images are best and worst. */
  readonly rankedBy: string;
  /** Whether its labels tell classes, and not only anomalies from the rest. */
  readonly tellsClasses: boolean;
  readonly scenes: readonly ShownScene[];
}

export interface ShownScene extends Size {
  readonly name: string;
  /** Such as `best, AP 71.20 %`. */
  readonly note: string;
  /** Planes [3, H, W]. */
  readonly image: Uint8Array;
  /** [H, W] */
  readonly labels: Uint8Array;
  readonly columns: readonly (
    | { readonly title: string; readonly kind: "prediction"; readonly classes: Uint8Array }
    /** Steps 0 to 255 of the common scale, [H, W]. */
    | { readonly title: string; readonly kind: "map"; readonly steps: Uint8Array }
  )[];
}
