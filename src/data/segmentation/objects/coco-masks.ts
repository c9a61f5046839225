import { FormatError } from "../../../errors.js";
import type { Size } from "../types.js";

/**
 * The masks of COCO's annotations: run lengths (in a list, or packed into a string) and polygons, drawn by the rules of the
 * COCO API (`maskApi.c`), so that the masks are those that published work was trained with. All masks are bytes [H, W],
 * row-major, 1 on the object; COCO itself counts pixels column by column.
 */

/** A segmentation as an annotation holds it: polygons `[x0, y0, x1, y1, ...]`, or run lengths. */
export type CocoSegmentation =
  | readonly (readonly number[])[]
  | { readonly size: readonly number[]; readonly counts: readonly number[] | string };

/**
 * Adds the pixels of a segmentation to a mask.
 *
 * @param mask  [H, W]; changed
 * @throws FormatError for run lengths of another size than the image, that do not fill it, or are no numbers, and for
 *   polygons of fewer than three points
 */
export function addSegmentation(
  mask: Uint8Array,
  segmentation: CocoSegmentation,
  { height, width }: Size,
  where: string,
): void {
  if (!("counts" in segmentation)) {
    for (const polygon of segmentation) addPolygon(mask, polygon, { height, width }, where);
    return;
  }
  const { size, counts } = segmentation;
  if (size.length !== 2 || size[0] !== height || size[1] !== width) {
    throw new FormatError({
      where,
      expected: `run lengths for ${height} x ${width} pixels, as the image has`,
      received: size.join(" x "),
    });
  }
  addRuns(mask, typeof counts === "string" ? unpackRuns(counts, where) : counts, { height, width }, where);
}

/** Runs alternate between background and object, starting with background, down the columns from the left. */
function addRuns(mask: Uint8Array, runs: readonly number[], { height, width }: Size, where: string): void {
  let total = 0;
  for (const run of runs) total += Number.isSafeInteger(run) && run >= 0 ? run : Number.NaN;
  if (total !== height * width) {
    throw new FormatError({
      where,
      expected: `run lengths that add up to ${height * width} pixels`,
      received: Number.isNaN(total) ? "something that is no length" : String(total),
    });
  }
  let at = 0;
  runs.forEach((run, place) => {
    if (place % 2 === 1) {
      for (let pixel = at; pixel < at + run; pixel++) {
        mask[(pixel % height) * width + Math.floor(pixel / height)] = 1;
      }
    }
    at += run;
  });
}

/** First character of the code, and bits of a character that hold data, say "more follows", and hold the sign. */
const code = { first: 48, data: 0x1f, more: 0x20, sign: 0x10, bits: 5 };
/** Characters that one length may take: 7 hold 35 bits. */
const mostCharacters = 7;

/**
 * COCO's packed run lengths: each a number of 5 bits a character, lowest first, the last one's top bit being the sign;
 * from the fourth on, a number is the difference to the length two before.
 *
 * @throws FormatError for other characters, and where a number is cut off
 */
export function unpackRuns(text: string, where: string): number[] {
  const runs: number[] = [];
  let value = 0;
  let characters = 0;
  for (let place = 0; place < text.length; place++) {
    const piece = text.charCodeAt(place) - code.first;
    if (piece < 0 || piece > (code.data | code.more) || characters === mostCharacters) {
      throw new FormatError({ where, problem: `its run lengths are damaged at character ${place}` });
    }
    // By multiplication: shifts end at 32 bits.
    value += (piece & code.data) * 2 ** (code.bits * characters);
    characters++;
    if ((piece & code.more) !== 0) continue;
    if ((piece & code.sign) !== 0) value -= 2 ** (code.bits * characters);
    runs.push(runs.length > 2 ? value + (runs[runs.length - 2] as number) : value);
    value = 0;
    characters = 0;
  }
  if (characters > 0) throw new FormatError({ where, problem: "its run lengths end within a number" });
  return runs;
}

/** The outline is traced on a grid this many times finer than the pixels. */
const upscale = 5;

/**
 * Fills a polygon as the COCO API does. The outline is traced in steps of a fifth of a pixel; wherever it passes from one
 * column of fifths to the next, and that border runs through the middle of a column of pixels, the first pixel whose
 * centre lies below is noted. Going down each column, the filling begins and ends at the noted pixels.
 */
function addPolygon(mask: Uint8Array, polygon: readonly number[], { height, width }: Size, where: string): void {
  if (polygon.length < 6 || polygon.length % 2 !== 0 || !polygon.every(Number.isFinite)) {
    throw new FormatError({ where, expected: "polygons of at least three points x, y", received: describe(polygon) });
  }
  // A column has one place more than pixels: an outline may end below the image.
  const toggles = new Uint8Array(width * (height + 1));
  const fine = polygon.map((coordinate) => Math.trunc(upscale * coordinate + 0.5));
  let last: readonly [x: number, y: number] | undefined;
  const visit = (x: number, y: number): void => {
    if (last !== undefined && last[0] !== x)
      toggleAt(toggles, Math.min(x, last[0]), Math.min(y, last[1]), height, width);
    last = [x, y];
  };
  for (let corner = 0; corner < fine.length; corner += 2) {
    const next = (corner + 2) % fine.length;
    trace(fine[corner] as number, fine[corner + 1] as number, fine[next] as number, fine[next + 1] as number, visit);
  }
  for (let column = 0; column < width; column++) {
    let inside = 0;
    for (let row = 0; row < height; row++) {
      inside ^= toggles[column * (height + 1) + row] as number;
      if (inside === 1) mask[row * width + column] = 1;
    }
  }
}

/**
 * @param border  the column of fifths left of the border that the outline crosses
 * @param y       the higher of the two places beside the border, in fifths
 */
function toggleAt(toggles: Uint8Array, border: number, y: number, height: number, width: number): void {
  const column = (border + 0.5) / upscale - 0.5;
  if (!Number.isInteger(column) || column < 0 || column > width - 1) return;
  const row = Math.ceil(Math.min(Math.max((y + 0.5) / upscale - 0.5, 0), height));
  const place = column * (height + 1) + row;
  toggles[place] = (toggles[place] as number) ^ 1;
}

/** Visits the points of a line on the fine grid, both ends included: one for each step along its longer direction. */
function trace(x0: number, y0: number, x1: number, y1: number, visit: (x: number, y: number) => void): void {
  const dx = Math.abs(x1 - x0);
  const dy = Math.abs(y1 - y0);
  const flat = dx >= dy;
  const steps = flat ? dx : dy;
  // Rounding goes by the line's start, which must not depend on the direction in which the outline runs.
  const backwards = flat ? x0 > x1 : y0 > y1;
  const [startX, startY, endX, endY] = backwards ? [x1, y1, x0, y0] : [x0, y0, x1, y1];
  const slope = steps === 0 ? 0 : (flat ? endY - startY : endX - startX) / steps;
  for (let step = 0; step <= steps; step++) {
    const along = backwards ? steps - step : step;
    const across = Math.trunc((flat ? startY : startX) + slope * along + 0.5);
    if (flat) visit(startX + along, across);
    else visit(across, startY + along);
  }
}

function describe(polygon: readonly number[]): string {
  return polygon.every(Number.isFinite) ? `${polygon.length} numbers` : "something that is no number";
}
