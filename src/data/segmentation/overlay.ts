import { ShapeError } from "../../errors.js";
import { readNpz } from "../npz.js";
import type { Picture } from "../types.js";

/**
 * Adds an image that is stored as a difference, an array `rgb` [H, W, 3] in an NPZ archive, and brings the sum to 0 to 255. This is how Fishyscapes
 * Static is released: with its objects but without Cityscapes' images, which are not its to give.
 *
 * @param picture  one colour image; changed in place
 * @throws FormatError for an archive that cannot be read, ShapeError for a difference of another size
 */
export async function addOverlay(picture: Picture, overlay: string): Promise<void> {
  const { shape, data } = await readNpz(overlay, "rgb");
  const [, height, width] = picture.shape;
  if (shape.length !== 3 || shape[0] !== height || shape[1] !== width || shape[2] !== 3) {
    throw new ShapeError({
      where: `${overlay}, array "rgb"`,
      expected: `${height} x ${width} x 3 numbers, as its image has`,
      received: shape.join(" x "),
    });
  }
  const pixels = height * width;
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const place = channel * pixels + pixel;
      const sum = (picture.data[place] as number) + Math.trunc(Number(data[3 * pixel + channel]));
      picture.data[place] = Math.min(255, Math.max(0, sum));
    }
  }
}
