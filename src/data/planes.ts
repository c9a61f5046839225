import type { Picture } from "./types.js";

/** From pixel by pixel to plane by plane. */
export function toPlanes({ data, shape }: Picture): Picture {
  const [channels, height, width] = shape;
  const plane = height * width;
  const target = data instanceof Uint8Array ? new Uint8Array(data.length) : new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0, from = channel; pixel < plane; pixel++, from += channels) {
      target[channel * plane + pixel] = data[from] as number;
    }
  }
  return { data: target, shape };
}

/**
 * An image with as many channels as a model takes: grey is repeated, colours are weighted to grey as Pillow does
 * (ITU-R 601, rounded, in fixed point for bytes).
 *
 * @returns undefined when there is no such conversion
 */
export function withChannels(picture: Picture, channels: number): Picture | undefined {
  const [from, height, width] = picture.shape;
  if (from === channels) return picture;
  const plane = height * width;
  const target =
    picture.data instanceof Uint8Array ? new Uint8Array(channels * plane) : new Float32Array(channels * plane);
  if (from === 1) {
    for (let channel = 0; channel < channels; channel++) target.set(picture.data, channel * plane);
    return { data: target, shape: [channels, height, width] };
  }
  if (from !== 3 || channels !== 1) return undefined;
  for (let pixel = 0; pixel < plane; pixel++) {
    const red = picture.data[pixel] as number;
    const green = picture.data[plane + pixel] as number;
    const blue = picture.data[2 * plane + pixel] as number;
    target[pixel] =
      target instanceof Uint8Array
        ? (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
        : 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return { data: target, shape: [1, height, width] };
}
