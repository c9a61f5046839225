/** What the scores of `offmap compare` are fitted to. */
import type { SegmentationDataset } from "../../data/index.js";
import { type PixelPart, type PixelScoreName, pixelScoreNeedsOutliers } from "../../guard/segmentation/index.js";
import { type OpenedSets, openTestSets, type SetsTold } from "./sets.js";

export interface FittedTo {
  readonly scenes: SegmentationDataset;
  /** The same with objects in them; undefined where none are pasted. */
  readonly withObjects: () => Promise<SegmentationDataset | undefined>;
}

/** Scores that look at outliers are fitted to scenes with pasted ones, and all others to the scenes as they are. */
export async function fitCompared(
  fitTo: (dataset: SegmentationDataset, names: readonly PixelScoreName[]) => Promise<PixelPart[]>,
  names: readonly PixelScoreName[],
  { scenes, withObjects }: FittedTo,
): Promise<PixelPart[]> {
  const others = names.filter(pixelScoreNeedsOutliers);
  const pasted = others.length === 0 ? undefined : await withObjects();
  if (pasted === undefined) return fitTo(scenes, names);
  const plain = names.filter((name) => !others.includes(name));
  return [...(plain.length === 0 ? [] : await fitTo(scenes, plain)), ...(await fitTo(pasted, others))];
}

/** The scenes to fit on with objects pasted as into the test sets, at other places. */
export async function withObjectsAlike(
  fitOn: string,
  { ood: sets }: OpenedSets,
  { paste, pasteScale }: SetsTold,
): Promise<SegmentationDataset | undefined> {
  const [plan] = sets.flatMap((set) => ("plan" in set ? [set.plan] : []));
  if (plan === undefined) return undefined;
  const ood = [{ dataset: fitOn }];
  const opened = await openTestSets({ ood, paste, pasteScale, pasteSeed: plan.seed + 1, feather: plan.feather });
  return opened.ood[0];
}
