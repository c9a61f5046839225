import { OptionError, ShapeError } from "../errors.js";
import type { ImageBatch } from "./types.js";
import { imageSize } from "./types.js";

/** What is done to pixels in [0, 1] before the model sees them: `(pixel - mean) / std`, one value for each channel. */
export interface Normalization {
  readonly mean: readonly number[];
  /** Each above 0. */
  readonly std: readonly number[];
}

const example = "0.5,0.45,0.4:0.25,0.2,0.3 (means, a colon, standard deviations, of pixels in [0, 1])";

/**
 * Reads the `--normalize` option: `M,M,M:S,S,S`, or `M:S` for grey images or one value for all channels.
 *
 * @throws OptionError when it is not that, when a mean lies outside [0, 1] or a standard deviation is not above 0
 */
export function parseNormalization(text: string): Normalization {
  const fail = (received: string, hint?: string): never => {
    throw new OptionError({
      where: "normalization",
      expected: example,
      received,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const parts = text.split(":");
  if (parts.length !== 2) return fail(`"${text}"`);
  const [mean, std] = parts.map((part) =>
    part.split(",").map((word) => (word.trim() === "" ? Number.NaN : Number(word))),
  );
  if (mean === undefined || std === undefined || [...mean, ...std].some((value) => !Number.isFinite(value))) {
    return fail(`"${text}"`);
  }
  if (mean.length !== std.length) return fail(`${mean.length} means and ${std.length} standard deviations`);
  const badMean = mean.find((value) => value < 0 || value > 1);
  if (badMean !== undefined) {
    return fail(`a mean of ${badMean}`, "divide means and standard deviations of pixels in 0..255 by 255");
  }
  const badStd = std.find((value) => value <= 0);
  if (badStd !== undefined) return fail(`a standard deviation of ${badStd}`);
  return { mean, std };
}

/** The text that {@link parseNormalization} reads back to the same numbers. */
export function formatNormalization({ mean, std }: Normalization): string {
  return `${mean.join(",")}:${std.join(",")}`;
}

/**
 * Turns a batch into what a model is fed with: `(pixel - mean) / std` in float32, where bytes count as `byte / 255`.
 * Bytes go through a table of 256 results for each channel, computed in float64 and rounded once.
 *
 * @param normalization  default: none, pixels stay in [0, 1]
 * @returns float32, NCHW, as long as `batch.data`
 * @throws ShapeError when the number of channels differs
 */
export function normalize(batch: ImageBatch, normalization?: Normalization): Float32Array {
  const [channels, height, width] = batch.shape;
  const { mean, std } = perChannel(normalization, channels);
  const plane = height * width;
  const result = new Float32Array(batch.count * imageSize(batch.shape));
  for (let channel = 0; channel < channels; channel++) {
    const shift = mean[channel] as number;
    const scale = std[channel] as number;
    const table = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - shift) / scale);
    for (let image = 0; image < batch.count; image++) {
      const start = (image * channels + channel) * plane;
      if (batch.data instanceof Uint8Array) lookUp(batch.data, result, start, start + plane, table);
      else shiftAndScale(batch.data, result, start, start + plane, shift, scale);
    }
  }
  return result;
}

// Functions of their own, so that each loop sees one kind of array: twice as fast.
function lookUp(from: Uint8Array, to: Float32Array, start: number, end: number, table: Float32Array): void {
  for (let at = start; at < end; at++) to[at] = table[from[at] as number] as number;
}

function shiftAndScale(
  from: Float32Array,
  to: Float32Array,
  start: number,
  end: number,
  shift: number,
  scale: number,
): void {
  for (let at = start; at < end; at++) to[at] = ((from[at] as number) - shift) / scale;
}

function perChannel(normalization: Normalization | undefined, channels: number): Normalization {
  if (normalization === undefined)
    return { mean: new Array<number>(channels).fill(0), std: new Array<number>(channels).fill(1) };
  const { mean, std } = normalization;
  if (mean.length === channels && std.length === channels) return normalization;
  if (mean.length === 1 && std.length === 1) {
    return {
      mean: new Array<number>(channels).fill(mean[0] as number),
      std: new Array<number>(channels).fill(std[0] as number),
    };
  }
  throw new ShapeError({
    where: "normalization",
    expected: `one mean and standard deviation for each of ${channels} channels`,
    received: `${mean.length} and ${std.length}`,
    hint: `the images have ${channels} channels`,
  });
}
