/** Test sets of scenes with anomalies: labelled ones, or scenes that objects are pasted into. */
import {
  type OutlierObjects,
  openOutlierObjects,
  openSegmentation,
  type PastedDataset,
  type PasteOptions,
  pastedDataset,
  planPastes,
  readPastePlan,
  type SegmentationDataset,
} from "../../data/index.js";

/** How objects are pasted into the scenes of a set, one into each. */
export interface PasteTold extends PasteOptions {
  /** Which object goes where is drawn by it; default 1. */
  readonly seed?: number | undefined;
  /** A file that says so instead. */
  readonly plan?: string | undefined;
}

/** A test set as the user writes it. */
export interface TestScenes {
  /** For tables; default: the name of the folder. */
  readonly name?: string;
  readonly spec: string;
  /** Present where the scenes have no anomalies of their own. */
  readonly paste?: PasteTold & {
    /** See `openOutlierObjects`. */
    readonly objects: string;
  };
}

/** @throws OffmapError as `openSegmentation` and `openOutlierObjects` do, and for a plan that does not fit */
export async function openTestScenes({ name, spec, paste }: TestScenes): Promise<SegmentationDataset | PastedDataset> {
  const scenes = await openSegmentation(spec, name === undefined ? {} : { name });
  if (paste === undefined) return scenes;
  const { objects, ...how } = paste;
  return withObjects(scenes, await openOutlierObjects(objects), name, how);
}

/** The scenes with an object each, under the name that is given. */
export async function withObjects(
  scenes: SegmentationDataset,
  objects: OutlierObjects,
  name: string | undefined,
  { seed = 1, plan, ...options }: PasteTold,
): Promise<PastedDataset> {
  const made = plan === undefined ? await planPastes(scenes, objects, seed, options) : await readPastePlan(plan);
  const pasted = await pastedDataset(scenes, objects, made);
  return name === undefined ? pasted : { ...pasted, name };
}
