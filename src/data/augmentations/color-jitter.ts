import type { Generator } from "../random.js";
import { adjustBrightness, adjustContrast, adjustSaturation } from "./blending.js";
import { adjustHue } from "./hue.js";
import { type Augmentation, changeEach, requireRgbBytes } from "./types.js";

export interface ColorJitterOptions {
  /** Factors are drawn from [max(0, 1 - v), 1 + v]; default 0.4 each. */
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** The hue turns by a part of the colour circle drawn from [-v, v], v in [0, 0.5]; default 0.1. */
  readonly hue?: number;
  /** Share of images that are changed at all; default 0.8. */
  readonly probability?: number;
}

/**
 * torchvision's `ColorJitter` on PIL images under a `RandomApply`: the four changes in random order, each by a random
 * amount. The defaults are those of PASCL (Wang et al., ICML 2022) and, with a weaker jitter, of SimCLR (Chen et al.,
 * ICML 2020).
 *
 * Each image takes one number (whether at all), then the order, then brightness, contrast, saturation and hue.
 */
export function colorJitter(options: ColorJitterOptions = {}): Augmentation {
  const { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1, probability = 0.8 } = options;
  const factor = (generator: Generator, spread: number): number => {
    const low = Math.max(0, 1 - spread);
    return low + generator.uniform() * (1 + spread - low);
  };
  return (batch, generator) =>
    changeEach(requireRgbBytes(batch, "color jitter"), generator, (rgb, own) => {
      if (own.uniform() >= probability) return;
      const order = own.permutation(4);
      const byBrightness = factor(own, brightness);
      const byContrast = factor(own, contrast);
      const bySaturation = factor(own, saturation);
      const turn = (2 * own.uniform() - 1) * hue;
      for (const operation of order) {
        if (operation === 0) adjustBrightness(rgb, byBrightness);
        else if (operation === 1) adjustContrast(rgb, byContrast);
        else if (operation === 2) adjustSaturation(rgb, bySaturation);
        else adjustHue(rgb, turn);
      }
    });
}
