import { OptionError } from "../../errors.js";
import type { Generator } from "../random.js";
import { resizePicture } from "../resize.js";
import { cropToMask } from "./objects/crop.js";
import { mostScale } from "./options.js";
import { type OutlierObject, outlierLabel, type Scene, type Size } from "./types.js";

export interface PasteOptions {
  /** Smallest and largest factor by which objects are scaled, uniform in between. Default [1, 1]: as they are. */
  readonly scale?: readonly [least: number, most: number];
  /**
   * Pixels inside the object's edge over which it fades in: at a distance d from the nearest pixel outside (a neighbour has
   * 1), the share of the object is `min(1, d / (feather + 1))`. Default 0: hard edges. The label is the mask's either way,
   * and pixels beside the mask are never touched, for they keep their class.
   */
  readonly feather?: number;
}

/** Where an object goes. */
export interface Placement {
  /** Row and column of the scene under the object's upper left corner; negative where it hangs over. */
  readonly top: number;
  readonly left: number;
  /** Factor by which the object is scaled before. */
  readonly scale: number;
}

/**
 * Pastes an object at a random place: AnomalyMix of PEBAL (Tian et al., "Pixel-wise Energy-biased Abstention Learning",
 * ECCV 2022), which Balanced Energy uses too. The object is cut to the bounding box of its mask and pasted as large as it
 * is; every place where it fits is as likely as any other; its pixels get the label {@link outlierLabel}, also over void.
 *
 * An object that is higher or wider than the scene is cut off: which part of it is seen is random as well. (The authors'
 * code fails there; their scenes are larger than COCO's images.) An object without pixels changes nothing.
 *
 * @param generator  gives three numbers, whatever the options: scale, top, left
 * @returns a new scene; the given one is left alone
 * @throws OptionError for a scale range or feather that makes no sense
 */
export function pasteOutlier(
  scene: Scene,
  object: OutlierObject,
  generator: Generator,
  options: PasteOptions = {},
): Scene {
  return placeOutlier(scene, object, drawPlacement(scene, object, generator, options), options.feather);
}

/** The random part of {@link pasteOutlier}. */
export function drawPlacement(
  scene: Size,
  object: OutlierObject,
  generator: Generator,
  { scale: [least, most] = [1, 1] }: PasteOptions = {},
): Placement {
  if (!(least > 0 && most >= least && most <= mostScale)) {
    throw new OptionError({
      where: "scale of pasted objects",
      expected: `two factors in (0, ${mostScale}], the smaller one first`,
      received: `${least} and ${most}`,
    });
  }
  const scale = least + (most - least) * generator.uniform();
  const { height, width } = scaledObjectSize(cropToMask(object), scale);
  return { top: drawOffset(scene.height, height, generator), left: drawOffset(scene.width, width, generator), scale };
}

function drawOffset(scene: number, object: number, generator: Generator): number {
  const offset = generator.integer(Math.abs(scene - object) + 1);
  return object > scene ? 0 - offset : offset;
}

function scaledObjectSize({ height, width }: Size, scale: number): Size {
  const side = (length: number): number => (length === 0 ? 0 : Math.max(1, Math.round(length * scale)));
  return { height: side(height), width: side(width) };
}

/**
 * Pastes an object at a given place; what hangs over the scene is cut off.
 *
 * @param feather  see {@link PasteOptions}
 * @returns a new scene; the given one is left alone
 */
export function placeOutlier(scene: Scene, object: OutlierObject, placement: Placement, feather = 0): Scene {
  if (!Number.isSafeInteger(feather) || feather < 0) {
    throw new OptionError({ where: "feather", expected: "an integer from 0, in pixels", received: String(feather) });
  }
  const { top, left, scale } = placement;
  const { image, mask, height, width } = scaleObject(cropToMask(object), scale);
  const result = { ...scene, image: scene.image.slice(), labels: scene.labels.slice() };
  const depth = feather > 0 ? edgeDistance(mask, { height, width }) : undefined;
  const scenePlane = scene.height * scene.width;
  for (let row = Math.max(0, -top); row < Math.min(height, scene.height - top); row++) {
    for (let column = Math.max(0, -left); column < Math.min(width, scene.width - left); column++) {
      const from = row * width + column;
      if (mask[from] === 0) continue;
      const to = (top + row) * scene.width + left + column;
      const share = depth === undefined ? 1 : Math.min(1, (depth[from] as number) / (feather + 1));
      result.labels[to] = outlierLabel;
      for (let channel = 0; channel < 3; channel++) {
        const under = result.image[channel * scenePlane + to] as number;
        const over = image[channel * height * width + from] as number;
        result.image[channel * scenePlane + to] = Math.round(under + share * (over - under));
      }
    }
  }
  return result;
}

/**
 * An object at another size. Colours are weighted by the mask, so that nothing of what surrounded the object bleeds into its
 * edge; a pixel belongs to the object when at least half of it does.
 */
export function scaleObject(object: OutlierObject, scale: number): OutlierObject {
  const { image, mask } = object;
  const size = scaledObjectSize(object, scale);
  if (size.height === object.height && size.width === object.width) return object;
  const pixels = object.height * object.width;
  const weighted = new Float32Array(4 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    if (mask[pixel] === 0) continue;
    for (let channel = 0; channel < 3; channel++) {
      weighted[channel * pixels + pixel] = image[channel * pixels + pixel] as number;
    }
    weighted[3 * pixels + pixel] = 1;
  }
  const picture = { data: weighted, shape: [4, object.height, object.width] as const };
  const resized = resizePicture(picture, size.height, size.width, "stretch").data;
  const count = size.height * size.width;
  const result = { image: new Uint8Array(3 * count), mask: new Uint8Array(count), ...size };
  for (let pixel = 0; pixel < count; pixel++) {
    const share = resized[3 * count + pixel] as number;
    if (share < 0.5) continue;
    result.mask[pixel] = 1;
    for (let channel = 0; channel < 3; channel++) {
      const colour = Math.round((resized[channel * count + pixel] as number) / share);
      result.image[channel * count + pixel] = Math.min(255, colour);
    }
  }
  return result;
}

/**
 * Steps (up, down, left or right) from each pixel of a mask to the nearest one outside it; beyond the border is outside.
 * Rosenfeld and Pfaltz, "Sequential operations in digital picture processing", 1966: one pass down, one pass up.
 */
function edgeDistance(mask: Uint8Array, { height, width }: Size): Int32Array {
  const distance = new Int32Array(mask.length);
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (mask[pixel] === 0) continue;
    const above = pixel < width ? 0 : (distance[pixel - width] as number);
    const before = pixel % width === 0 ? 0 : (distance[pixel - 1] as number);
    distance[pixel] = 1 + Math.min(above, before);
  }
  for (let pixel = mask.length - 1; pixel >= 0; pixel--) {
    if (mask[pixel] === 0) continue;
    const below = pixel >= (height - 1) * width ? 0 : (distance[pixel + width] as number);
    const after = pixel % width === width - 1 ? 0 : (distance[pixel + 1] as number);
    distance[pixel] = Math.min(distance[pixel] as number, 1 + Math.min(below, after));
  }
  return distance;
}
