import { mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeSceneFiles } from "../../../test/segmentation/scene-files.js";
import { openSegmentation, outlierLabel, type SegmentationDataset } from "../../data/index.js";
import type { PixelPart, PixelScoreName } from "../../guard/segmentation/index.js";
import { fitCompared, withObjectsAlike } from "./compared-fit.js";
import { openTestSets } from "./sets.js";

const names: readonly PixelScoreName[] = ["sml", "flow-density-logistic", "knn-density"];

/** What each call of the fit was given. */
async function fitted(paste: boolean) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-compared-")));
  const spec = `${await writeSceneFiles(folder)}&void=thing`;
  const told = paste ? { paste: `cutouts:${join(folder, "objects")}`, pasteSeed: 4, feather: 1 } : {};
  const sets = await openTestSets({ ood: [{ dataset: spec }], ...told });
  const calls: { dataset: SegmentationDataset; names: readonly PixelScoreName[] }[] = [];
  const fit = async (dataset: SegmentationDataset, own: readonly PixelScoreName[]): Promise<PixelPart[]> => {
    calls.push({ dataset, names: own });
    return [];
  };
  const scenes = await openSegmentation(spec);
  await fitCompared(fit, names, { scenes, withObjects: () => withObjectsAlike(spec, sets, told) });
  return { calls, scenes, sets };
}

test("scores that look at outliers are fitted to scenes with objects, at other places than in the test sets", async () => {
  const { calls, scenes, sets } = await fitted(true);
  expect(calls.map((call) => call.names)).toEqual([["sml", "knn-density"], ["flow-density-logistic"]]);
  const [plain, pasted] = calls.map(({ dataset }) => dataset);
  expect(plain).toBe(scenes);
  const { labels } = (await pasted?.readOne(0)) ?? {};
  expect(labels).toContain(outlierLabel);
  const tested = sets.ood[0] as SegmentationDataset;
  expect(pasted).toMatchObject({ plan: { seed: 5, feather: 1 } });
  expect(labels).not.toEqual((await tested.readOne(0)).labels);
});

test("where no objects are pasted, all scores are fitted to the scenes as they are, in one pass", async () => {
  const { calls, scenes } = await fitted(false);
  expect(calls).toEqual([{ dataset: scenes, names }]);
});
