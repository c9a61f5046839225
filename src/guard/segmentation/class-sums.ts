/** Sums over pixels by class, for fits. */
import type { Engine } from "../../runtime/index.js";
import { Moments } from "../../scores/fit/moments.js";
import { SumGraph } from "../../scores/fit/sum-graph.js";
import type { MaxLogitMoments } from "./scores/index.js";

/** Moments of the maximum logit by predicted class, less the first value of each class so that nothing cancels. */
export class MaxLogits {
  private readonly counts: Float64Array;
  private readonly shifts: Float64Array;
  private readonly sums: Float64Array;
  private readonly squares: Float64Array;

  constructor(private readonly classes: number) {
    this.counts = new Float64Array(classes);
    this.shifts = new Float64Array(classes);
    this.sums = new Float64Array(classes);
    this.squares = new Float64Array(classes);
  }

  add(top: Float32Array, predicted: Uint8Array, labels: Uint8Array): void {
    const { counts, shifts, sums, squares, classes } = this;
    for (let pixel = 0; pixel < top.length; pixel++) {
      if ((labels[pixel] as number) >= classes) continue;
      const label = predicted[pixel] as number;
      const value = top[pixel] as number;
      if (counts[label] === 0) shifts[label] = value;
      const moved = value - (shifts[label] as number);
      counts[label] = (counts[label] as number) + 1;
      sums[label] = (sums[label] as number) + moved;
      squares[label] = (squares[label] as number) + moved ** 2;
    }
  }

  moments(): MaxLogitMoments[] {
    return Array.from(this.counts, (count, label) => {
      const mean = (this.sums[label] as number) / Math.max(1, count);
      const variance = (this.squares[label] as number) / Math.max(1, count) - mean ** 2;
      return { count, mean: mean + (this.shifts[label] as number), variance: Math.max(0, variance) };
    });
  }
}

/** Sums of each class by itself, with products. */
export class ClassSums {
  static async load(engine: Engine, classes: number, dimension: number): Promise<ClassSums> {
    const graphs: SumGraph[] = [];
    for (let label = 0; label < classes; label++) {
      graphs.push(await SumGraph.load(engine, { classes: 1, dimension }, { directions: false, products: true }));
    }
    return new ClassSums(graphs, dimension);
  }

  private constructor(
    private readonly graphs: readonly SumGraph[],
    private readonly dimension: number,
  ) {}

  async add(features: Float32Array, labels: Int32Array): Promise<void> {
    const { dimension } = this;
    for (const [label, graph] of this.graphs.entries()) {
      const places: number[] = [];
      labels.forEach((own, place) => {
        if (own === label) places.push(place);
      });
      if (places.length === 0) continue;
      const rows = new Float32Array(places.length * dimension);
      places.forEach((place, row) => {
        rows.set(features.subarray(place * dimension, (place + 1) * dimension), row * dimension);
      });
      await graph.add(rows, new Int32Array(places.length));
    }
  }

  results(): Moments[] {
    return this.graphs.map((graph) => new Moments(graph.result()));
  }

  async release(): Promise<void> {
    for (const graph of this.graphs) await graph.release();
  }
}
