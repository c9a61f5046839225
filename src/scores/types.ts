import type { Expr } from "../ops/index.js";

export interface ScoreOptions {
  /** Divides the logits before the energy is taken, > 0; 1 by default. Only the energy has a temperature. */
  readonly temperature?: number;
}

/** A post-hoc out-of-distribution score that is computed from logits alone. Higher means more out-of-distribution. */
export interface ScoreDefinition {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper and year. */
  readonly source: string;
  /**
   * @param logits  float [N, K] or [N, K, H, W]; axis 1 holds the classes
   * @returns one score per image [N] or per pixel [N, H, W], higher for more out-of-distribution
   */
  expression(logits: Expr, options?: ScoreOptions): Expr;
}
