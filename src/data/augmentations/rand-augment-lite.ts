import { OptionError } from "../../errors.js";
import type { Generator } from "../random.js";
import { adjustBrightness, adjustContrast, adjustSaturation, applyTable, levelTable } from "./blending.js";
import { mirror, rotate, shearX, shearY, transformNearest, translate } from "./geometry.js";
import { type Augmentation, changeEach, requireRgbBytes } from "./types.js";

export interface RandAugmentOptions {
  /** Operations applied to each image, one after the other; the same may come twice. Default 2. */
  readonly operations?: number;
  /** Strength, a whole number from 0 (none) to 30; default 9. */
  readonly magnitude?: number;
}

/** Strengths that there are, besides 0. */
const strongest = 30;

interface Strength {
  readonly height: number;
  readonly width: number;
  /** 0 to {@link strongest}; where a result is cut off to a whole number, it is divided last. */
  readonly magnitude: number;
  /** The same in [0, 1]. */
  readonly level: number;
  /** 1 or -1, at random, for operations that have two directions. */
  readonly sign: 1 | -1;
}

type Operation = (rgb: Uint8Array, image: Strength) => void;

/** Pixels that images move at a strength, along a side of so many. */
const shift = (side: number, { magnitude, sign }: Strength): number =>
  Math.trunc((sign * 150 * side * magnitude) / (331 * strongest));

/** How far operations go at full strength: as in RandAugment, after torchvision. */
const operations: Readonly<Record<string, Operation>> = {
  identity: () => undefined,
  flip: (rgb, { width }) => mirror(rgb, width),
  "shear-x": (rgb, { height, width, level, sign }) => transformNearest(rgb, height, width, shearX(sign * 0.3 * level)),
  "shear-y": (rgb, { height, width, level, sign }) => transformNearest(rgb, height, width, shearY(sign * 0.3 * level)),
  "translate-x": (rgb, image) =>
    transformNearest(rgb, image.height, image.width, translate(shift(image.width, image), 0)),
  "translate-y": (rgb, image) =>
    transformNearest(rgb, image.height, image.width, translate(0, shift(image.height, image))),
  rotate: (rgb, { height, width, level, sign }) =>
    transformNearest(rgb, height, width, rotate(sign * 30 * level, height, width)),
  brightness: (rgb, { level, sign }) => adjustBrightness(rgb, 1 + sign * 0.9 * level),
  color: (rgb, { level, sign }) => adjustSaturation(rgb, 1 + sign * 0.9 * level),
  contrast: (rgb, { level, sign }) => adjustContrast(rgb, 1 + sign * 0.9 * level),
  posterize: (rgb, { level }) => posterize(rgb, 8 - Math.round(4 * level)),
  solarize: (rgb, { magnitude }) => solarize(rgb, (255 * (strongest - magnitude)) / strongest),
};

export const randAugmentOperations: readonly string[] = Object.keys(operations);

/**
 * Most of RandAugment (Cubuk et al., NeurIPS 2020): to each image a few operations at random, all of one strength, in random
 * directions. Of torchvision's list it has identity, both shears and translations, rotation, brightness, color, contrast,
 * posterize and solarize, on images in bytes exactly as torchvision on PIL images (nearest neighbour, black where nothing was);
 * it leaves out sharpness, autocontrast and equalize, and adds a mirroring.
 *
 * Each image takes two numbers for each operation: which, and the direction.
 *
 * @throws OptionError for a magnitude that is no whole number from 0 to 30, or no whole number of operations ≥ 0
 */
export function randAugmentLite({ operations: count = 2, magnitude = 9 }: RandAugmentOptions = {}): Augmentation {
  if (!Number.isInteger(magnitude) || magnitude < 0 || magnitude > strongest) {
    throw new OptionError({
      where: "RandAugment magnitude",
      expected: `a whole number from 0 to ${strongest}`,
      received: String(magnitude),
    });
  }
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new OptionError({
      where: "RandAugment operations",
      expected: "a whole number of at least 0",
      received: String(count),
    });
  }
  return (batch, generator) => {
    const [, height, width] = batch.shape;
    return changeEach(requireRgbBytes(batch, "RandAugment"), generator, (rgb, own) => {
      for (let round = 0; round < count; round++) {
        const name = randAugmentOperations[own.integer(randAugmentOperations.length)] as string;
        applyOperation(name, rgb, height, width, magnitude, direction(own));
      }
    });
  };
}

const direction = (generator: Generator): 1 | -1 => (generator.integer(2) === 1 ? -1 : 1);

/** One operation of {@link randAugmentLite} on one image, in place. @param magnitude  0 to 30 */
export function applyOperation(
  name: string,
  rgb: Uint8Array,
  height: number,
  width: number,
  magnitude: number,
  sign: 1 | -1,
): void {
  (operations[name] as Operation)(rgb, { height, width, magnitude, level: magnitude / strongest, sign });
}

/** Keeps the highest bits of every byte. */
function posterize(bytes: Uint8Array, bits: number): void {
  const mask = 0xff & ~(2 ** (8 - bits) - 1);
  applyTable(
    bytes,
    levelTable((level) => level & mask),
  );
}

/** Inverts what is as bright as the threshold or brighter. */
function solarize(bytes: Uint8Array, threshold: number): void {
  applyTable(
    bytes,
    levelTable((level) => (level < threshold ? level : 255 - level)),
  );
}
