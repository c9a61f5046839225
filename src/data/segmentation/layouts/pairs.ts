import { readLabelMap } from "../label-map.js";
import { pairFolders, type SceneLayout, stem } from "../scene-files.js";

/**
 * Any two folders: images, and label PNGs of the same names (`a/b.jpg` and `a/b.png`), with a file that says what the ids
 * mean; see `readLabelMap`.
 */
export async function openPairs(images: string, labels: string, map: string): Promise<SceneLayout> {
  return {
    map: await readLabelMap(map),
    files: await pairFolders({ images, labels, labelOf: (image) => `${stem(image)}.png` }),
  };
}
