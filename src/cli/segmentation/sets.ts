/** Test sets of segmentation networks, as the command line is told of them. */
import { withObjects } from "../../benchmarks/segmentation/index.js";
import {
  openOutlierObjects,
  openSegmentation,
  type PastedDataset,
  type SegmentationDataset,
} from "../../data/index.js";
import { OptionError } from "../../errors.js";
import type { NamedDataset } from "../named-dataset.js";

export interface SetsTold {
  readonly id?: string | undefined;
  readonly ood?: readonly NamedDataset[] | undefined;
  readonly paste?: string | undefined;
  readonly pastePlan?: string | undefined;
  readonly pasteSeed?: number | undefined;
  readonly pasteScale?: readonly [number, number] | undefined;
  readonly feather?: number | undefined;
}

export interface OpenedSets {
  /** Scenes whose classes are judged. */
  readonly id: SegmentationDataset | undefined;
  /** Scenes with anomalies. */
  readonly ood: readonly (SegmentationDataset | PastedDataset)[];
}

/** @throws OptionError when no set is given, or two OOD sets have one name */
export async function openTestSets({ id, ood = [], paste, pastePlan, ...how }: SetsTold): Promise<OpenedSets> {
  if (id === undefined && ood.length === 0) {
    throw new OptionError({
      where: "--ood",
      expected: "scenes with anomalies as --ood, scenes with classes as --id, or both",
      received: "neither",
    });
  }
  if (paste === undefined && pastePlan !== undefined) {
    throw new OptionError({ where: "--paste-plan", expected: "--paste OBJECTS beside it", received: "none" });
  }
  const objects = paste === undefined ? undefined : await openOutlierObjects(paste);
  const { pasteSeed: seed, pasteScale: scale, feather } = how;
  const pasting = { seed, plan: pastePlan, ...(scale && { scale }), ...(feather !== undefined && { feather }) };
  const opened: (SegmentationDataset | PastedDataset)[] = [];
  for (const { name, dataset } of ood) {
    const scenes = await openSegmentation(dataset, name === undefined ? {} : { name });
    opened.push(objects === undefined ? scenes : await withObjects(scenes, objects, name, pasting));
  }
  const names = opened.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new OptionError({
      where: "--ood",
      expected: "a different name for every OOD set",
      received: `"${twice}" twice`,
      hint: "write --ood NAME=DS",
    });
  }
  return { id: id === undefined ? undefined : await openSegmentation(id), ood: opened };
}
