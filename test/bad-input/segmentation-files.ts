import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeLabels, writePixels } from "../data/segmentation.js";
import { writeSceneFiles } from "../segmentation/scene-files.js";

/** Files of the cases with segmentation networks. */
export async function makeSegmentationFiles(folder: string): Promise<void> {
  await writeSceneFiles(folder);
  const classes = ["grass", "road", "sky", "thing", "tree", "house"];
  const map = (ids: object) => JSON.stringify({ classes: classes.slice(0, Object.keys(ids).length - 1), ids });
  await writeFile(join(folder, "six-classes.json"), map({ 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 9: "void" }));
  const outliers = { 0: "outlier", 1: "outlier", 2: "outlier", 3: "outlier", 8: 0, 9: "void" };
  await writeFile(join(folder, "all-outliers.json"), JSON.stringify({ classes: ["nothing"], ids: outliers }));
  for (let scene = 0; scene < 4; scene++) {
    const strange = Array.from({ length: 12 * 16 }, (_, at) => (at === 16 + 4 ? 77 : 0));
    await writeLabels(join(folder, "strange-ids", `${scene}.png`), strange, 16);
    await writeLabels(join(folder, "small-labels", `${scene}.png`), Array(6 * 8).fill(0), 8);
  }
  await writePixels(join(folder, "opaque", "0.png"), new Uint8Array(5 * 5 * 3).fill(80), 5, 3);
}
