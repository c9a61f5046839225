import { OptionError } from "../../errors.js";
import type { Generator } from "../random.js";
import { resizeWindow } from "../resize.js";
import { mostScale, scaledSize } from "./options.js";
import { resizeLabels, type Window } from "./resize-scene.js";
import { type Scene, type Size, voidLabel } from "./types.js";

export interface SceneAugmentation {
  /** Size of the result. */
  readonly crop: Size;
  /** Factors to scale by: one of a list, each as likely, or uniform in a range. Default: none. */
  readonly scales?: readonly number[] | { readonly least: number; readonly most: number };
  /** Probability of mirroring left and right, in [0, 1]. Default 0.5; PEBAL and Balanced Energy take 0.8. */
  readonly flip?: number;
}

/**
 * Scales, cuts out a random window and mirrors, the image and its labels alike. Where the scaled scene is smaller than the
 * window, it stands in the middle and the rest is black in the image and void in the labels. Images are resized with
 * antialiasing, labels by nearest pixel; sides are rounded down.
 *
 * The code of PEBAL mirrors first, resizes without antialiasing, and pads after normalization, where 0 is the mean colour.
 *
 * @param generator  gives four numbers, whatever the options: scale, top, left, mirrored
 * @returns a new scene of the size of `crop`; the given one is left alone
 * @throws OptionError for factors or a probability out of range
 */
export function augmentScene(scene: Scene, generator: Generator, options: SceneAugmentation): Scene {
  checkAugmentation(options);
  const { crop, scales = [1], flip = 0.5 } = options;
  const scaled = scaledSize(scene, drawScale(scales, generator));
  const size = { height: Math.min(crop.height, scaled.height), width: Math.min(crop.width, scaled.width) };
  const window: Window = {
    top: generator.integer(scaled.height - size.height + 1),
    left: generator.integer(scaled.width - size.width + 1),
    ...size,
  };
  const mirrored = generator.uniform() < flip;
  const picture = { data: scene.image, shape: [3, scene.height, scene.width] as const };
  const image = resizeWindow(picture, [scaled.height, scaled.width], window).data as Uint8Array;
  const labels = resizeLabels(scene.labels, scene, scaled, window);
  const place = (planes: Uint8Array, count: number, padding: number): Uint8Array =>
    placePlanes(planes, count, size, crop, padding, mirrored);
  return { image: place(image, 3, 0), labels: place(labels, 1, voidLabel), height: crop.height, width: crop.width };
}

/** @throws OptionError for factors or a probability out of range */
export function checkAugmentation({ crop, scales = [1], flip = 0.5 }: SceneAugmentation): void {
  const range = "least" in scales ? [scales.least, scales.most] : scales;
  const ordered = !("least" in scales) || scales.least <= scales.most;
  if (range.length === 0 || !ordered || !range.every((scale) => scale > 0 && scale <= mostScale)) {
    throw new OptionError({
      where: "scales of scenes",
      expected: `factors in (0, ${mostScale}], the smaller one first`,
      received: range.join(", ") || "none",
    });
  }
  if (!(flip >= 0 && flip <= 1)) {
    throw new OptionError({ where: "probability of mirroring", expected: "0 to 1", received: String(flip) });
  }
  if (!(Number.isSafeInteger(crop.height) && Number.isSafeInteger(crop.width) && crop.height > 0 && crop.width > 0)) {
    throw new OptionError({
      where: "crop",
      expected: "a height and a width of at least one pixel",
      received: `${crop.height} and ${crop.width}`,
    });
  }
}

function drawScale(scales: NonNullable<SceneAugmentation["scales"]>, generator: Generator): number {
  const draw = generator.uniform();
  if ("least" in scales) return scales.least + (scales.most - scales.least) * draw;
  return scales[Math.floor(draw * scales.length)] as number;
}

/** Planes in the middle of larger ones. */
function placePlanes(
  planes: Uint8Array,
  count: number,
  size: Size,
  target: Size,
  padding: number,
  mirrored: boolean,
): Uint8Array {
  if (size.height === target.height && size.width === target.width && !mirrored) return planes;
  const result = new Uint8Array(count * target.height * target.width).fill(padding);
  const top = Math.floor((target.height - size.height) / 2);
  const left = Math.floor((target.width - size.width) / 2);
  for (let plane = 0; plane < count; plane++) {
    for (let row = 0; row < size.height; row++) {
      const from = (plane * size.height + row) * size.width;
      const line = planes.subarray(from, from + size.width);
      const to = (plane * target.height + top + row) * target.width;
      if (mirrored)
        for (let column = 0; column < size.width; column++)
          result[to + target.width - 1 - left - column] = line[column] as number;
      else result.set(line, to + left);
    }
  }
  return result;
}
