import { isScOod, type OodSet, openScOod } from "../benchmarks/index.js";
import { type OpenDatasetOptions, openDataset } from "../data/index.js";
import { type NamedDataset, refuseSameNames } from "./named-dataset.js";

/** Opens OOD sets under their names; their labels do not count. `sc-ood:ROOT?benchmark=NAME` is six sets. @throws OptionError for two of one name */
export async function openOodSets(
  sets: readonly NamedDataset[],
  hint: Pick<OpenDatasetOptions, "shape" | "resize">,
): Promise<OodSet[]> {
  const opened = await Promise.all(
    sets.map(({ name, dataset }) => {
      const named = { ...hint, ...(name === undefined ? {} : { name }) };
      return isScOod(dataset) ? openScOod(dataset, named) : openDataset(dataset, { ...named, ignoreLabels: true });
    }),
  );
  const all = opened.flat();
  refuseSameNames(all);
  return all;
}
