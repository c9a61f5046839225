import { type ImageDataset, openDataset } from "../data/index.js";
import type { shapeHint } from "../training/index.js";
import type { NamedDataset } from "./named-dataset.js";

/** Opens OOD sets under their names; their labels do not count. */
export function openOodSets(
  sets: readonly NamedDataset[],
  hint: ReturnType<typeof shapeHint>,
): Promise<ImageDataset[]> {
  return Promise.all(
    sets.map(({ name, dataset }) =>
      openDataset(dataset, { ...hint, ignoreLabels: true, ...(name === undefined ? {} : { name }) }),
    ),
  );
}
