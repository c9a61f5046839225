/** What is known of a segment of an anomaly map without looking at labels. */
import type { Size } from "../../../data/index.js";
import { connectedComponents } from "../../../metrics/index.js";

/** One image as a network sees it. */
export interface SegmentMaps extends Size {
  /** float32 [H, W], higher for more out-of-distribution. */
  readonly scores: Float32Array;
  /** Softmax over the classes, float32 [K, H, W]. */
  readonly probabilities: Float32Array;
  /** Class with the largest probability, [H, W]. */
  readonly predicted: Uint8Array;
}

/** The segments of an image: 8-connected pixels with at least the score `threshold`. */
export interface Segments {
  /** Pixels of each segment, in the order of its first pixel. */
  readonly pixels: readonly Int32Array[];
  /** Features of each segment, by {@link segmentFeatureNames}. */
  readonly features: readonly Float32Array[];
}

const spreads = ["mean", "mean_interior", "mean_boundary", "variance", "variance_interior", "variance_boundary"];

/** @param classes  K */
export function segmentFeatureNames(classes: number): string[] {
  const ofClass = (name: string) => Array.from({ length: classes }, (_, label) => `${name}_${label}`);
  return [
    ...["size", "interior", "boundary", "size_per_boundary", "interior_per_boundary"],
    ...["score", "entropy", "margin"].flatMap((map) => spreads.map((spread) => `${map}_${spread}`)),
    ...["row", "column"],
    ...ofClass("probability"),
    ...ofClass("neighbours"),
  ];
}

/**
 * Hand-made features of every segment, after Rottmann et al., "Prediction Error Meta Classification in Semantic Segmentation", IJCNN 2020, as Chan, Rottmann and
 * Gottschalk, ICCV 2021, use them for segments of an anomaly map:
 *
 * - its size, interior and boundary, as shares of the image's pixels, and size and interior over boundary. A pixel is of the interior if it and all eight
 *   around it are of the segment; beyond the border of the image nothing is;
 * - mean and variance over segment, interior and boundary of the score, of the entropy of the softmax over log K, and of its margin, 1 - p₁ + p₂ with the two largest
 *   probabilities; 0 over an interior without pixels;
 * - its centre, from 0 to 1;
 * - the mean probability of every class;
 * - the share of every predicted class among the pixels that touch it.
 */
export function segmentsOf(maps: SegmentMaps, threshold: number): Segments {
  const { scores, width } = maps;
  const called = Uint8Array.from(scores, (score) => Number(score >= threshold));
  const { labels, count, sizes } = connectedComponents(called, width);
  const pixels = Array.from({ length: count }, (_, label) => new Int32Array(sizes[label + 1] as number));
  const filled = new Int32Array(count + 1);
  labels.forEach((label, pixel) => {
    if (label === 0) return;
    (pixels[label - 1] as Int32Array)[filled[label] as number] = pixel;
    filled[label] = (filled[label] as number) + 1;
  });
  const touched = new Int32Array(scores.length);
  return { pixels, features: pixels.map((own, label) => featuresOf(own, label + 1, labels, touched, maps)) };
}

/** @param touched  marks by segment, so that no pixel beside a segment is counted twice */
function featuresOf(
  pixels: Int32Array,
  label: number,
  labels: Int32Array,
  touched: Int32Array,
  { scores, probabilities, predicted, height, width }: SegmentMaps,
): Float32Array {
  const area = height * width;
  const classes = probabilities.length / area;
  const maps = [new Spread(), new Spread(), new Spread()] as const;
  const shares = new Float64Array(classes);
  const neighbours = new Float64Array(classes);
  let [interior, beside, rows, columns] = [0, 0, 0, 0];
  for (const pixel of pixels) {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    rows += row + 0.5;
    columns += column + 0.5;
    let inside = true;
    for (let place = 0; place < 9; place++) {
      const [y, x] = [row + Math.floor(place / 3) - 1, column + (place % 3) - 1];
      const outside = y < 0 || y >= height || x < 0 || x >= width;
      const other = y * width + x;
      if (!outside && labels[other] === label) continue;
      inside = false;
      if (outside || touched[other] === label) continue;
      touched[other] = label;
      beside++;
      neighbours[predicted[other] as number] = (neighbours[predicted[other] as number] as number) + 1;
    }
    if (inside) interior++;
    let [entropy, first, second] = [0, 0, 0];
    for (let own = 0; own < classes; own++) {
      const p = probabilities[own * area + pixel] as number;
      shares[own] = (shares[own] as number) + p;
      if (p > 0) entropy -= p * Math.log(p);
      if (p > first) [first, second] = [p, first];
      else if (p > second) second = p;
    }
    maps[0].add(scores[pixel] as number, inside);
    maps[1].add(entropy / Math.log(classes), inside);
    maps[2].add(1 - first + second, inside);
  }
  const size = pixels.length;
  const boundary = size - interior;
  return Float32Array.from([
    ...[size / area, interior / area, boundary / area, size / boundary, interior / boundary],
    ...maps.flatMap((map) => map.values()),
    ...[rows / size / height, columns / size / width],
    ...shares.map((share) => share / size),
    ...neighbours.map((count) => count / Math.max(1, beside)),
  ]);
}

/** Mean and variance over segment, interior and boundary, by sums of differences from the first value. */
class Spread {
  private shift: number | undefined;
  private readonly counts = [0, 0];
  private readonly sums = [0, 0];
  private readonly squares = [0, 0];

  add(value: number, inside: boolean): void {
    this.shift ??= value;
    const moved = value - this.shift;
    const side = Number(inside);
    this.counts[side] = (this.counts[side] as number) + 1;
    this.sums[side] = (this.sums[side] as number) + moved;
    this.squares[side] = (this.squares[side] as number) + moved ** 2;
  }

  /** By {@link spreads}. */
  values(): number[] {
    const of = (all: readonly number[], sides: readonly number[]) =>
      sides.reduce((total, side) => total + (all[side] as number), 0);
    const moments = [[0, 1], [1], [0]].map((sides) => {
      const count = of(this.counts, sides);
      if (count === 0) return { mean: 0, variance: 0 };
      const mean = of(this.sums, sides) / count;
      return {
        mean: mean + (this.shift as number),
        variance: Math.max(0, of(this.squares, sides) / count - mean ** 2),
      };
    });
    return [...moments.map(({ mean }) => mean), ...moments.map(({ variance }) => variance)];
  }
}
