import type { Expr } from "../ops/index.js";
import type { Initialization, Network } from "./network.js";

/** What every network is made for. */
export interface NetworkOptions {
  /** Classes of the data, at least 2. */
  readonly classes: number;
  /** Channels, height and width of one image. */
  readonly shape: readonly [number, number, number];
  /** Factor on the channels of every layer, rounded; 1 as published. */
  readonly width: number;
}

/** What a segmentation network is made for besides. */
export interface SceneOptions {
  /**
   * Outputs after those of the classes, for inputs of no class; default 0. All are in the output `logits`; the model's metadata say how
   * many under {@link abstentionKey}.
   */
  readonly abstention?: number;
}

/** Key in a model's metadata under which it says how many of its last logits belong to no class. */
export const abstentionKey = "offmap.abstention_classes";

interface Described {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper, year and section. */
  readonly source: string;
  readonly initialization: Initialization;
}

/** A network for images, without its last layer. */
export interface Architecture extends Described {
  /** Name of the last layer, as the public code of the architecture calls it. */
  readonly head: string;
  /** @returns what the last layer takes, float32 [N, D] */
  features(net: Network, image: Expr, options: Pick<NetworkOptions, "width">): Expr;
}

/** A network that classifies every pixel. The parameters of its final block have names that begin with `final.`. */
export interface SegmentationArchitecture extends Described {
  /** @returns float32 [N, `outputs`, H, W] for an image [N, C, H, W] */
  logits(net: Network, image: Expr, options: { readonly width: number; readonly outputs: number }): Expr;
}

export const defineArchitecture = (architecture: Architecture): Architecture => architecture;
export const defineSegmentation = (architecture: SegmentationArchitecture): SegmentationArchitecture => architecture;
