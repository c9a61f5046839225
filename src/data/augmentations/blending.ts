/**
 * Brightness, contrast and saturation as Pillow's `ImageEnhance` has them, which torchvision uses on PIL images: the image
 * is blended with black, with its mean grey, or with its own grey version. Below a factor of 1 that is interpolation, above
 * 1 extrapolation, cut off at 0 and 255. Results equal those of Pillow 9.4 byte for byte (test/reference/augmentations.py),
 * so they are rounded as its C code does: float32 throughout, then towards zero.
 *
 * All work in place on one image: three planes of bytes. Factors are ≥ 0; 1 changes nothing.
 */
const { fround } = Math;

export function adjustBrightness(rgb: Uint8Array, factor: number): void {
  applyTable(rgb, blendTable(0, factor));
}

/** The grey that contrast is measured from is the mean of the grey version, rounded. */
export function adjustContrast(rgb: Uint8Array, factor: number): void {
  const plane = rgb.length / 3;
  let sum = 0;
  for (let pixel = 0; pixel < plane; pixel++) sum += greyAt(rgb, plane, pixel);
  applyTable(rgb, blendTable(Math.floor(sum / plane + 0.5), factor));
}

export function adjustSaturation(rgb: Uint8Array, factor: number): void {
  const plane = rgb.length / 3;
  const share = fround(factor);
  // Within [0, 1] a blend stays between its ends, so cutting off changes nothing there.
  const blend = (grey: number, level: number): number => toByte(fround(grey + fround(share * (level - grey))));
  for (let red = 0, green = plane, blue = 2 * plane; red < plane; red++, green++, blue++) {
    const grey = greyAt(rgb, plane, red);
    rgb[red] = blend(grey, rgb[red] as number);
    rgb[green] = blend(grey, rgb[green] as number);
    rgb[blue] = blend(grey, rgb[blue] as number);
  }
}

/** All three planes become the grey version: ITU-R 601, in Pillow's fixed point. */
export function toGrey(rgb: Uint8Array): void {
  const plane = rgb.length / 3;
  for (let pixel = 0; pixel < plane; pixel++) {
    const grey = greyAt(rgb, plane, pixel);
    rgb[pixel] = grey;
    rgb[plane + pixel] = grey;
    rgb[2 * plane + pixel] = grey;
  }
}

/** Replaces every byte by what the table has for it. */
export function applyTable(bytes: Uint8Array, table: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = table[bytes[at] as number] as number;
}

/** For every grey level, the blend of it with a fixed one. */
function blendTable(other: number, factor: number): Uint8Array {
  const share = fround(factor);
  return levelTable((level) => fround(other + fround(share * (level - other))));
}

/** What becomes of each of the 256 grey levels, rounded towards zero and cut off at 0 and 255. */
export function levelTable(change: (level: number) => number): Uint8Array {
  const table = new Uint8Array(256);
  for (let level = 0; level < 256; level++) table[level] = toByte(change(level));
  return table;
}

function greyAt(rgb: Uint8Array, plane: number, pixel: number): number {
  return (
    ((rgb[pixel] as number) * 19595 +
      (rgb[plane + pixel] as number) * 38470 +
      (rgb[2 * plane + pixel] as number) * 7471 +
      0x8000) >>
    16
  );
}

function toByte(value: number): number {
  const whole = value | 0;
  return whole < 0 ? 0 : whole > 255 ? 255 : whole;
}
