/** Small files to run segmentation commands on: scenes with labels and a map, objects to paste, and a network. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeModel } from "../../src/onnx/index.js";
import { writeLabels, writePixels } from "../data/segmentation.js";
import { tinyNetwork } from "./tiny-network.js";

const [height, width] = [12, 16];

/** Scenes of four classes, a block each, with every fifth pixel noisy; an object of class 3 in some. */
const classAt = (scene: number, at: number) => {
  const [row, column] = [Math.floor(at / width), at % width];
  return (Math.floor(row / 6) + Math.floor(column / 8) + scene) % 3;
};
const isThing = (scene: number, at: number) =>
  scene % 2 === 0 && Math.abs(Math.floor(at / width) - 6) < 3 && Math.abs((at % width) - 5) < 3;
const colours = [
  [200, 60, 60],
  [60, 200, 60],
  [60, 60, 200],
  [230, 120, 220],
] as const;

/**
 * Writes `scenes/images` and `scenes/labels` (ids 0 to 3, and 9), `map.json`, `objects/*.png` and `segmenter.onnx` with five outputs.
 *
 * @returns the spec of the scenes
 */
export async function writeSceneFiles(folder: string, count = 4): Promise<string> {
  for (let scene = 0; scene < count; scene++) {
    const ids = Array.from({ length: height * width }, (_, at) =>
      at < 3 ? 9 : isThing(scene, at) ? 3 : classAt(scene, at),
    );
    const pixels = Uint8Array.from(
      ids.flatMap((id, at) =>
        (colours[id] ?? [0, 0, 0]).map((channel, index) =>
          Math.min(255, channel + ((at * 31 + index * 17 + scene) % 23)),
        ),
      ),
    );
    await writePixels(join(folder, "scenes", "images", `${scene}.png`), pixels, width, 3);
    await writeLabels(join(folder, "scenes", "labels", `${scene}.png`), ids, width);
  }
  await writeFile(
    join(folder, "map.json"),
    JSON.stringify({ classes: ["grass", "road", "sky", "thing"], ids: { 0: 0, 1: 1, 2: 2, 3: 3, 9: "void" } }),
  );
  for (let object = 0; object < 2; object++) {
    const side = 4 + object;
    const opaque = Uint8Array.from({ length: side * side * 4 }, (_, at) =>
      at % 4 === 3 ? 255 : 40 * (at % 4) + 90 * object,
    );
    await writePixels(join(folder, "objects", `${object}.png`), opaque, side, 4);
  }
  await mkdir(join(folder, "scenes"), { recursive: true });
  await writeFile(join(folder, "segmenter.onnx"), encodeModel(tinyNetwork({ outputs: 5, head: "final" })));
  return sceneSpec(folder);
}

/** @param options  such as `&outlier=thing` */
export const sceneSpec = (folder: string, options = ""): string =>
  `pairs:${join(folder, "scenes", "images")},${join(folder, "scenes", "labels")}?map=${join(folder, "map.json")}${options}`;
