import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ImageShape } from "../types.js";
import { adjustBrightness, adjustContrast, adjustSaturation, toGrey } from "./blending.js";
import { rotate, shearX, shearY, transformNearest, translate } from "./geometry.js";
import { adjustHue } from "./hue.js";
import { applyOperation } from "./rand-augment-lite.js";

interface Small {
  readonly operation: string;
  readonly amount: number;
  /** Index of the image that it was done to. */
  readonly image: number;
  readonly output: string;
}

/** Made by test/reference/augmentations.py. */
const reference = JSON.parse(
  readFileSync(new URL("../../../test/reference/augmentations.json", import.meta.url), "utf8"),
) as {
  readonly pixelwise: readonly { readonly operation: string; readonly amount: number; readonly sha256: string }[];
  readonly images: readonly { readonly shape: ImageShape; readonly data: string }[];
  readonly small: readonly Small[];
};

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** Every colour once, red changing slowest. */
const everyColour = Uint8Array.from({ length: 3 * 2 ** 24 }, (_, at) =>
  at < 2 ** 24 ? at >> 16 : at < 2 ** 25 ? (at >> 8) & 255 : at & 255,
);

const pixelwise: Readonly<Record<string, (rgb: Uint8Array, amount: number) => void>> = {
  grey: toGrey,
  hue: adjustHue,
  saturation: adjustSaturation,
};

describe("operations on one pixel, over all 16,777,216 colours", () => {
  test.each(reference.pixelwise)("$operation by $amount: every byte is Pillow's", ({ operation, amount, sha256 }) => {
    const rgb = everyColour.slice();
    pixelwise[operation]?.(rgb, amount);
    expect(createHash("sha256").update(rgb).digest("hex")).toBe(sha256);
  });
});

type InPlace = (rgb: Uint8Array, amount: number, height: number, width: number) => void;

const onImages: Readonly<Record<string, InPlace>> = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  "shear-x": (rgb, level, height, width) => transformNearest(rgb, height, width, shearX(level)),
  "shear-y": (rgb, level, height, width) => transformNearest(rgb, height, width, shearY(level)),
  "translate-x": (rgb, pixels, height, width) => transformNearest(rgb, height, width, translate(pixels, 0)),
  "translate-y": (rgb, pixels, height, width) => transformNearest(rgb, height, width, translate(0, pixels)),
  rotate: (rgb, degrees, height, width) => transformNearest(rgb, height, width, rotate(degrees, height, width)),
};

/** `randaugment - rotate` is an operation of RandAugment in its negative direction. */
function operationOf(text: string): InPlace {
  const [, sign, name] = /^randaugment (?:([+-]) )?(.+)$/.exec(text) ?? [];
  if (name === undefined) return onImages[text] as InPlace;
  return (rgb, magnitude, height, width) => applyOperation(name, rgb, height, width, magnitude, sign === "-" ? -1 : 1);
}

describe("operations on whole images", () => {
  test.each(reference.small)(
    "$operation by $amount on image $image: every byte is Pillow's",
    ({ operation, amount, image, output }) => {
      const { shape, data } = reference.images[image] as (typeof reference.images)[number];
      const rgb = bytes(data);
      operationOf(operation)(rgb, amount, shape[1], shape[2]);
      expect(rgb).toEqual(bytes(output));
    },
  );
});

test("an image 331 pixels wide moves by 5 for each step of magnitude, as in torchvision, which rounding before the end would miss", () => {
  for (let magnitude = 0; magnitude <= 30; magnitude++) {
    const rgb = new Uint8Array(3 * 331).fill(255);
    applyOperation("translate-x", rgb, 1, 331, magnitude, 1);
    expect(rgb.filter((byte) => byte === 0)).toHaveLength(3 * 5 * magnitude);
  }
});
