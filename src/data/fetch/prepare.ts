import { mkdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FormatError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { readText, splitLines } from "../files.js";
import { writeNpy } from "../npy.js";
import { type MatlabBytes, readMatlabBytes } from "./matlab.js";
import type { Preparation } from "./types.js";

/** Makes unpacked files readable by Offmap. Doing it twice is as good as once. */
export async function prepare(folder: string, preparation: Preparation): Promise<void> {
  switch (preparation.kind) {
    case "class-names":
      return writeClassNames(
        join(folder, preparation.from),
        preparation.files.map((file) => join(folder, file)),
      );
    case "move":
      return move(join(folder, preparation.from), join(folder, preparation.to));
    case "svhn":
      return convertSvhn(join(folder, preparation.file));
  }
}

async function writeClassNames(from: string, files: readonly string[]): Promise<void> {
  // CIFAR-10's list ends in an empty line, which counts as no name.
  const names = splitLines(await readText(from)).map((line) => line.trim());
  const text = names.filter((name) => name !== "").map((name) => `${name}\n`);
  for (const file of files) await writeFileAtomic(`${file.replace(/\.[^.]+$/, "")}.classes.txt`, ...text);
}

async function move(from: string, to: string): Promise<void> {
  const moved =
    (await stat(from).catch(() => undefined)) === undefined && (await stat(to).catch(() => undefined)) !== undefined;
  if (moved) return;
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

/** Side of SVHN's cropped digits. */
const side = 32;

/** `X` is uint8 [row, column, channel, image], first axis fastest; `y` has 10 for the digit 0. */
async function convertSvhn(path: string): Promise<void> {
  const arrays = await readMatlabBytes(path);
  const images = arrays.get("X");
  const digits = arrays.get("y");
  const count = images?.shape[3] ?? 0;
  if (images?.shape.join() !== [side, side, 3, count].join() || digits?.data.length !== count) {
    throw new FormatError({
      where: path,
      expected: `an array X of ${side} x ${side} x 3 x N bytes and an array y of N`,
      received: [...arrays].map(([name, { shape }]) => `${name} of ${shape.join(" x ")}`).join(", ") || "no array",
    });
  }
  const base = path.replace(/\.mat$/, "");
  await writeNpy(`${base}.npy`, turned(images), [count, 3, side, side]);
  await writeNpy(
    `${base}-labels.npy`,
    digits.data.map((digit) => digit % 10),
  );
}

/** From columns of pixels to rows. */
function turned({ data }: MatlabBytes): Uint8Array {
  const result = new Uint8Array(data.length);
  const plane = side * side;
  for (let start = 0; start < data.length; start += plane) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        result[start + row * side + column] = data[start + column * side + row] as number;
      }
    }
  }
  return result;
}
