/** Test sets of segmentation networks, as the command line is told of them. */
import { withObjects } from "../../benchmarks/segmentation/index.js";
import {
  openOutlierObjects,
  openSegmentation,
  type PastedDataset,
  type SegmentationDataset,
} from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { type NamedDataset, refuseSameNames } from "../named-dataset.js";
import { numberedClasses } from "./classes-option.js";

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

/** @throws OptionError when no set is given, two OOD sets have one name, or pasting is told of what has no effect */
export async function openTestSets(told: SetsTold): Promise<OpenedSets> {
  const { id, ood = [], paste, pastePlan, ...how } = told;
  if (id === undefined && ood.length === 0) {
    throw new OptionError({
      where: "--ood",
      expected: "scenes with anomalies as --ood, scenes with classes as --id, or both",
      received: "neither",
    });
  }
  checkPasting(told);
  const objects = paste === undefined ? undefined : await openOutlierObjects(paste);
  const { pasteSeed: seed, pasteScale: scale, feather } = how;
  const pasting = { seed, plan: pastePlan, ...(scale && { scale }), ...(feather !== undefined && { feather }) };
  const opened: (SegmentationDataset | PastedDataset)[] = [];
  for (const { name, dataset } of ood) {
    const scenes = await openSegmentation(dataset, name === undefined ? {} : { name });
    opened.push(objects === undefined ? scenes : await withObjects(scenes, objects, name, pasting));
  }
  refuseSameNames(opened);
  return { id: id === undefined ? undefined : await openSegmentation(id), ood: opened };
}

/** @throws OptionError for an option of pasting that would have no effect */
export function checkPasting({ ood = [], paste, pastePlan, pasteSeed, pasteScale, feather }: SetsTold): void {
  const firstGiven = (flags: object) => Object.entries(flags).find(([, value]) => value !== undefined)?.[0];
  const drawing = { "paste-seed": pasteSeed, "paste-scale": pasteScale, feather };
  const lone = firstGiven({ "paste-plan": pastePlan, ...drawing });
  if (paste === undefined && lone !== undefined) {
    throw new OptionError({ where: `--${lone}`, expected: "--paste OBJECTS beside it", received: "none" });
  }
  const idle = firstGiven(drawing);
  if (pastePlan !== undefined && idle !== undefined) {
    throw new OptionError({
      where: `--${idle}`,
      expected: "nothing beside --paste-plan, which says where and how objects are pasted",
      received: "both",
    });
  }
  if (paste === undefined || ood.length > 0) return;
  throw new OptionError({ where: "--paste", expected: "scenes to paste into, as --ood", received: "none" });
}

/**
 * Classes of the sets whose labels tell none: those of the first set that tells some, else as many as are told, else those of the scenes that scores are
 * fitted to.
 *
 * @throws OptionError for another number than the labels tell
 */
export function classesOfSets(
  { id, ood }: OpenedSets,
  { classes, fitOn }: { readonly classes?: number | undefined; readonly fitOn?: readonly string[] | undefined },
): readonly string[] | undefined {
  const labelled = [id, ...ood].find((set) => set?.classNames !== undefined);
  const names = labelled?.classNames;
  if (classes === undefined) return names ?? fitOn;
  if (names === undefined) return numberedClasses(classes);
  if (names.length === classes) return names;
  throw new OptionError({
    where: "--classes",
    expected: `${names.length}, as many as the labels of ${labelled?.name} tell`,
    received: String(classes),
  });
}
