import { resizePicture } from "../resize.js";
import type { Scene, Size } from "./types.js";

/** A scene at another size: the image by the antialiased bilinear filter of `resizePicture`, the labels by nearest pixel. */
export function resizeScene(scene: Scene, { height, width }: Size): Scene {
  if (scene.height === height && scene.width === width) return scene;
  const picture = { data: scene.image, shape: [3, scene.height, scene.width] as const };
  return {
    image: resizePicture(picture, height, width, "stretch").data as Uint8Array,
    labels: resizeLabels(scene.labels, scene, { height, width }),
    height,
    width,
  };
}

/** A rectangle of pixels. */
export interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * Labels [H, W] at another size, each pixel that of the source pixel in which its centre lies: the pixels that Pillow's
 * NEAREST takes. No label arises that was not there.
 *
 * @param window  the part of the result that is wanted; default all
 */
export function resizeLabels(
  labels: Uint8Array,
  from: Size,
  to: Size,
  window: Window = { top: 0, left: 0, ...to },
): Uint8Array {
  const rows = nearest(from.height, to.height);
  const columns = nearest(from.width, to.width).subarray(window.left, window.left + window.width);
  const result = new Uint8Array(window.height * window.width);
  for (let row = 0, at = 0; row < window.height; row++) {
    const line = (rows[window.top + row] as number) * from.width;
    for (let column = 0; column < columns.length; column++)
      result[at++] = labels[line + (columns[column] as number)] as number;
  }
  return result;
}

/** Source pixel of each target pixel. Pillow sums up the steps; where a centre falls between two pixels, that decides. */
function nearest(from: number, to: number): Int32Array {
  const step = from / to;
  const result = new Int32Array(to);
  for (let target = 0, position = step / 2; target < to; target++, position += step) {
    result[target] = Math.min(from - 1, Math.floor(position));
  }
  return result;
}
