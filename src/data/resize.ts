import type { ResizeMode } from "./dataset-options.js";
import type { Picture } from "./types.js";
import { imageSize } from "./types.js";

/**
 * Brings an image to a height and width as Pillow does with its antialiased bilinear filter, which torchvision's `Resize`
 * uses on PIL images and the SC-OOD protocol prescribes. For bytes it returns the same bytes as Pillow 9.4
 * (test/reference/pil-resize.py); floats follow Pillow's "F" images.
 *
 * - `stretch` changes both sides independently, as `Resize((height, width))` does;
 * - `crop` scales until the image just covers the target and cuts out the centre, as `Resize(side)` and
 *   `CenterCrop(side)` do.
 */
export function resizePicture(picture: Picture, height: number, width: number, mode: ResizeMode): Picture {
  const [, fromHeight, fromWidth] = picture.shape;
  if (fromHeight === height && fromWidth === width) return picture;
  if (mode === "stretch") return stretch(picture, height, width);
  // The side that has to grow most, or shrink least, fits exactly; the other overhangs.
  const byHeight = height * fromWidth >= width * fromHeight;
  const covering = byHeight
    ? stretch(picture, height, Math.max(width, Math.floor((height * fromWidth) / fromHeight)))
    : stretch(picture, Math.max(height, Math.floor((width * fromHeight) / fromWidth)), width);
  return centreCrop(covering, height, width);
}

function centreCrop(picture: Picture, height: number, width: number): Picture {
  const [, fromHeight, fromWidth] = picture.shape;
  const top = roundHalfToEven((fromHeight - height) / 2);
  const left = roundHalfToEven((fromWidth - width) / 2);
  return cutOut(picture, { top, left, height, width });
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

function cutOut(picture: Picture, { top, left, height, width }: Window): Picture {
  const [channels, fromHeight, fromWidth] = picture.shape;
  const data = emptyLike(picture.data, channels * height * width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const from = (channel * fromHeight + top + row) * fromWidth + left;
      data.set(picture.data.subarray(from, from + width), (channel * height + row) * width);
    }
  }
  return { data, shape: [channels, height, width] };
}

/** Rounds as Python does, whose rounding places torchvision's crop. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Horizontally first, then vertically, rounding to bytes in between, as Pillow does. */
function stretch(picture: Picture, height: number, width: number): Picture {
  const [channels, fromHeight, fromWidth] = picture.shape;
  const narrowed =
    fromWidth === width
      ? picture
      : resample(picture, [channels, fromHeight, width], filterFor(fromWidth, width), {
          lines: channels * fromHeight,
          line: (index) => index * fromWidth,
          targetLine: (index) => index * width,
          step: 1,
        });
  if (fromHeight === height) return narrowed;
  return resample(
    narrowed,
    [channels, height, width],
    filterFor(fromHeight, height),
    acrossRows(channels, fromHeight, height, width),
  );
}

/**
 * The pixels inside a window of `resizePicture(picture, height, width, "stretch")`, to the byte, without working out the
 * rest of it.
 */
export function resizeWindow(
  picture: Picture,
  [height, width]: readonly [height: number, width: number],
  window: Window,
): Picture {
  const [channels, fromHeight, fromWidth] = picture.shape;
  if (height === fromHeight && width === fromWidth) return cutOut(picture, window);
  const rows = filterPart(filterFor(fromHeight, height), window.top, window.height);
  const columns = filterPart(filterFor(fromWidth, width), window.left, window.width);
  // Source rows that the window needs.
  const top = rows.first[0] as number;
  const count = (rows.first[window.height - 1] as number) + (rows.taps[window.height - 1] as number) - top;
  const narrowed = resample(picture, [channels, count, window.width], columns, {
    lines: channels * count,
    line: (index) => (Math.floor(index / count) * fromHeight + top + (index % count)) * fromWidth,
    targetLine: (index) => index * window.width,
    step: 1,
  });
  return resample(
    narrowed,
    [channels, window.height, window.width],
    { ...rows, first: rows.first.map((row) => row - top) },
    acrossRows(channels, count, window.height, window.width),
  );
}

interface FilterWeights {
  /** First source pixel and number of source pixels of each target pixel. */
  readonly first: Int32Array;
  readonly taps: Int32Array;
  /** `widest` weights for each target pixel, which sum to 1. */
  readonly weights: Float64Array;
  /** The weights as Pillow's byte filters have them. */
  readonly fixedPoint: Int32Array;
  readonly widest: number;
}

/** Filters by sizes, as images of a dataset often share them; forgotten when there are many. */
const knownFilters = new Map<string, FilterWeights>();
const mostFilters = 256;

function filterFor(from: number, to: number): FilterWeights {
  const key = `${from} ${to}`;
  let filter = knownFilters.get(key);
  if (filter === undefined) {
    if (knownFilters.size >= mostFilters) knownFilters.clear();
    filter = filterWeights(from, to);
    knownFilters.set(key, filter);
  }
  return filter;
}

/** Triangle filter, widened by the factor of reduction, over pixel centres; never narrower than one pixel on each side. */
function filterWeights(from: number, to: number): FilterWeights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const slope = 1 / support;
  const widest = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const taps = new Int32Array(to);
  const weights = new Float64Array(to * widest);
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let pixel = start; pixel < end; pixel++) {
      const weight = Math.max(0, 1 - Math.abs((pixel - centre + 0.5) * slope));
      weights[target * widest + pixel - start] = weight;
      total += weight;
    }
    for (let tap = 0; tap < end - start; tap++)
      weights[target * widest + tap] = (weights[target * widest + tap] as number) / total;
    first[target] = start;
    taps[target] = end - start;
  }
  const fixedPoint = Int32Array.from(weights, (weight) => Math.round(weight * 2 ** fixedPointBits));
  return { first, taps, weights, fixedPoint, widest };
}

/** Pillow's byte filters work with weights of 22 binary digits. */
const fixedPointBits = 22;

/** The filter of some of the target pixels. */
function filterPart(
  { first, taps, weights, fixedPoint, widest }: FilterWeights,
  start: number,
  count: number,
): FilterWeights {
  const end = start + count;
  return {
    first: first.subarray(start, end),
    taps: taps.subarray(start, end),
    weights: weights.subarray(start * widest, end * widest),
    fixedPoint: fixedPoint.subarray(start * widest, end * widest),
    widest,
  };
}

interface Lines {
  readonly lines: number;
  readonly line: (index: number) => number;
  readonly targetLine: (index: number) => number;
  /** Distance of neighbours on a line. */
  readonly step: number;
}

/** Columns of planes of a width, from one height to another. */
function acrossRows(channels: number, fromHeight: number, height: number, width: number): Lines {
  return {
    lines: channels * width,
    line: (index) => Math.floor(index / width) * fromHeight * width + (index % width),
    targetLine: (index) => Math.floor(index / width) * height * width + (index % width),
    step: width,
  };
}

function resample(picture: Picture, shape: Picture["shape"], filter: FilterWeights, lines: Lines): Picture {
  const target = emptyLike(picture.data, imageSize(shape));
  if (target instanceof Uint8Array) resampleBytes(picture.data as Uint8Array, target, filter, lines);
  else resampleFloats(picture.data as Float32Array, target, filter, lines);
  return { data: target, shape };
}

function resampleFloats(source: Float32Array, target: Float32Array, filter: FilterWeights, lines: Lines): void {
  const { first, taps, widest, weights } = filter;
  for (let line = 0; line < lines.lines; line++) {
    const start = lines.line(line);
    let to = lines.targetLine(line);
    for (let pixel = 0; pixel < first.length; pixel++, to += lines.step) {
      let from = start + (first[pixel] as number) * lines.step;
      const weightStart = pixel * widest;
      const weightEnd = weightStart + (taps[pixel] as number);
      let sum = 0;
      for (let at = weightStart; at < weightEnd; at++, from += lines.step) {
        sum += (source[from] as number) * (weights[at] as number);
      }
      target[to] = sum;
    }
  }
}

/** In integers of 32 bits, which hold every sum; the loop of its own lets the compiler keep to them. */
function resampleBytes(source: Uint8Array, target: Uint8Array, filter: FilterWeights, lines: Lines): void {
  const { first, taps, widest, fixedPoint: weights } = filter;
  const half = 1 << (fixedPointBits - 1);
  const { step } = lines;
  for (let line = 0; line < lines.lines; line++) {
    const start = lines.line(line);
    let to = lines.targetLine(line);
    for (let pixel = 0; pixel < first.length; pixel++, to += step) {
      let from = start + (first[pixel] as number) * step;
      const weightStart = pixel * widest;
      const weightEnd = weightStart + (taps[pixel] as number);
      let sum = half;
      for (let at = weightStart; at < weightEnd; at++, from += step) {
        sum = (sum + Math.imul(source[from] as number, weights[at] as number)) | 0;
      }
      target[to] = Math.min(255, sum >> fixedPointBits);
    }
  }
}

function emptyLike(data: Uint8Array | Float32Array, length: number): Uint8Array | Float32Array {
  return data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
}
