/**
 * Where each pixel of the result comes from, in pixels: `x' = a·x + b·y + c`, `y' = d·x + e·y + f`, from the centre of a pixel
 * of the result to a point of the source.
 */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export const shearX = (level: number): Affine => [1, level, 0, 0, 1, 0];
export const shearY = (level: number): Affine => [1, 0, 0, level, 1, 0];
/** @param x,y  whole pixels to the right and down */
export const translate = (x: number, y: number): Affine => [1, 0, -x, 0, 1, -y];

/** About the centre of the image, counter-clockwise, as Pillow's `Image.rotate` has it. */
export function rotate(degrees: number, height: number, width: number): Affine {
  const angle = (-degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const x = width / 2;
  const y = height / 2;
  return [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y];
}

/**
 * Moves pixels as Pillow's `Image.transform(size, AFFINE, NEAREST)` does: each takes the value of the source pixel that its
 * centre falls into, black outside. Coordinates run in 16.16 fixed point as in Pillow's C code, so that ties fall alike
 * (test/reference/augmentations.py).
 *
 * @param planes  one image, any number of planes of `height · width` bytes; changed in place
 */
export function transformNearest(planes: Uint8Array, height: number, width: number, affine: Affine): void {
  const [a, b, c, d, e, f] = affine;
  const source = planes.slice();
  const stepX = fixed(a);
  const stepY = fixed(d);
  const startX = fixed(c + a * 0.5 + b * 0.5);
  const startY = fixed(f + d * 0.5 + e * 0.5);
  const size = height * width;
  for (let row = 0; row < height; row++) {
    let x = startX + row * fixed(b);
    let y = startY + row * fixed(e);
    for (let column = 0; column < width; column++, x += stepX, y += stepY) {
      const fromX = x >> 16;
      const fromY = y >> 16;
      const inside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      const from = fromY * width + fromX;
      for (let plane = 0; plane < planes.length; plane += size) {
        planes[plane + row * width + column] = inside ? (source[plane + from] as number) : 0;
      }
    }
  }
}

/** Mirrors left and right. */
export function mirror(planes: Uint8Array, width: number): void {
  for (let start = 0; start < planes.length; start += width) planes.subarray(start, start + width).reverse();
}

const fixed = (value: number): number => Math.floor(value * 65536 + 0.5);
