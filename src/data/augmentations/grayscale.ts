import { toGrey } from "./blending.js";
import { type Augmentation, changeEach, requireRgbBytes } from "./types.js";

/**
 * torchvision's `RandomGrayscale`: some images lose their colour and keep three equal channels.
 *
 * @param probability  share of images that turn grey; default 0.2, as in PASCL (Wang et al., ICML 2022) and SimCLR
 */
export function grayscale(probability = 0.2): Augmentation {
  return (batch, generator) =>
    changeEach(requireRgbBytes(batch, "grayscale"), generator, (rgb, own) => {
      if (own.uniform() < probability) toGrey(rgb);
    });
}
