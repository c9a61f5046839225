/** Draws pixels of classes and of outliers from all images, with their features at several layers. */
import { type Generator, outlierLabel, type Scene } from "../../../data/index.js";
import type { Tensor } from "../../../onnx/types.js";
import type { Expr } from "../../../ops/index.js";
import { Sample } from "../../../scores/fit/sample.js";
import type { PixelFeatures } from "../pixel-features.js";
import { rowsOf, stepOf } from "../pixel-rows.js";
import type { LayerRows } from "./layer-flows.js";

/** Most pixels of a kind that are kept, and most numbers that they may take, 100 MB. */
const mostKept = 50_000;
const mostNumbers = 25_000_000;

const outputOf = (layer: number) => `offmap.layer ${layer}`;

export class LayerSample {
  private readonly known: Sample;
  private readonly outliers: Sample;
  /** Length of a pixel's features at all layers, one layer after another. */
  private readonly width: number;

  /** @param classes  K: labels below are of classes */
  constructor(
    private readonly layers: readonly PixelFeatures[],
    private readonly classes: number,
    generator: Generator,
  ) {
    this.width = layers.reduce((total, { dimension }) => total + dimension, 0);
    const limit = Math.min(mostKept, Math.floor(mostNumbers / Math.max(1, this.width)));
    const sample = (kind: string) => new Sample({ classes: 0, dimension: this.width }, generator.fork(kind), limit);
    this.known = sample("known pixels");
    this.outliers = sample("outlier pixels");
  }

  /** What the network must give for {@link add}. */
  outputs(take: (tensor: string) => Expr): Record<string, Expr> {
    return Object.fromEntries(this.layers.map(({ tensor }, layer) => [outputOf(layer), rowsOf(take(tensor))]));
  }

  /** Looks at every so many-th pixel of an image, and at the position of every layer that stands for it. */
  add(scene: Scene, outputs: Readonly<Record<string, Tensor>>): void {
    const maps = this.layers.map((_, layer) => outputs[outputOf(layer)] as Tensor);
    const step = stepOf(scene);
    const pixels: Record<"known" | "outliers", number[]> = { known: [], outliers: [] };
    for (let row = 0; row < scene.height; row += step) {
      for (let column = 0; column < scene.width; column += step) {
        const pixel = row * scene.width + column;
        const label = scene.labels[pixel] as number;
        if (label < this.classes) pixels.known.push(pixel);
        else if (label === outlierLabel) pixels.outliers.push(pixel);
      }
    }
    this.known.add(this.rowsAt(pixels.known, scene, maps));
    this.outliers.add(this.rowsAt(pixels.outliers, scene, maps));
  }

  rows(): LayerRows[] {
    const [known, outliers] = [this.known.rows().features, this.outliers.rows().features];
    let from = 0;
    return this.layers.map(({ tensor, dimension }) => {
      const columns = { from, dimension };
      from += dimension;
      return { tensor, dimension, known: this.part(known, columns), outliers: this.part(outliers, columns) };
    });
  }

  private rowsAt(pixels: readonly number[], { height, width }: Scene, maps: readonly Tensor[]) {
    const features = new Float32Array(pixels.length * this.width);
    pixels.forEach((pixel, place) => {
      let at = place * this.width;
      for (const { dims, data } of maps) {
        const [h, w, dimension] = dims as [number, number, number];
        const row = Math.floor((Math.floor(pixel / width) * h) / height);
        const column = Math.floor(((pixel % width) * w) / width);
        const start = (row * w + column) * dimension;
        features.set((data as Float32Array).subarray(start, start + dimension), at);
        at += dimension;
      }
    });
    const labels = new Int32Array(pixels.length);
    return { count: pixels.length, features, logits: new Float32Array(0), labels };
  }

  /** The columns of one layer. */
  private part(rows: Float32Array, { from, dimension }: { from: number; dimension: number }): Float32Array {
    const count = rows.length / this.width;
    const result = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) {
      const start = row * this.width + from;
      result.set(rows.subarray(start, start + dimension), row * dimension);
    }
    return result;
  }
}
