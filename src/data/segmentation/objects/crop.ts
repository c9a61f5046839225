import type { OutlierObject } from "../types.js";

/** An object cut to the bounding box of its mask; 0 x 0 when the mask has no pixel. */
export function cropToMask(object: OutlierObject): OutlierObject {
  const { image, mask, height, width } = object;
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let row = 0; row < height; row++) {
    const line = mask.subarray(row * width, (row + 1) * width);
    const first = line.indexOf(1);
    if (first < 0) continue;
    top = Math.min(top, row);
    bottom = row;
    left = Math.min(left, first);
    right = Math.max(right, line.lastIndexOf(1));
  }
  if (bottom < 0) return { image: new Uint8Array(0), mask: new Uint8Array(0), height: 0, width: 0 };
  const size = { height: bottom - top + 1, width: right - left + 1 };
  if (size.height === height && size.width === width) return object;
  const pixels = size.height * size.width;
  const cropped = { image: new Uint8Array(3 * pixels), mask: new Uint8Array(pixels), ...size };
  for (let row = 0; row < size.height; row++) {
    const from = (top + row) * width + left;
    cropped.mask.set(mask.subarray(from, from + size.width), row * size.width);
    for (let channel = 0; channel < 3; channel++) {
      const plane = channel * height * width + from;
      cropped.image.set(image.subarray(plane, plane + size.width), channel * pixels + row * size.width);
    }
  }
  return cropped;
}
