/** Images of seeded noise, which cost what any image costs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** A CIFAR binary of seeded noise. */
export function writeNoise(path: string, images: number): void {
  const record = 1 + 3 * 32 * 32;
  const bytes = new Uint8Array(images * record);
  let state = 1;
  for (let place = 0; place < bytes.length; place++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[place] = place % record === 0 ? (state >>> 24) % 10 : state >>> 24;
  }
  writeFileSync(path, bytes);
}

/** JPEG files of 96x96 in ten folders, smooth noise as photographs have it. */
export async function writeJpegs(folder: string, images: number): Promise<void> {
  const [side, coarse] = [96, 12];
  let state = 1;
  for (let index = 0; index < images; index++) {
    const pixels = Uint8Array.from({ length: coarse * coarse * 3 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    const file = join(folder, String(index % 10), `${index}.jpg`);
    mkdirSync(join(folder, String(index % 10)), { recursive: true });
    const small = sharp(pixels, { raw: { width: coarse, height: coarse, channels: 3 } });
    await small.resize(side, side, { kernel: "cubic" }).jpeg({ quality: 90 }).toFile(file);
  }
}
