import { isScOod, type OodSet, openScOod } from "../benchmarks/index.js";
import { openDataset } from "../data/index.js";
import { OptionError } from "../errors.js";
import type { shapeHint } from "../training/index.js";
import type { NamedDataset } from "./named-dataset.js";

/** Opens OOD sets under their names; their labels do not count. `sc-ood:ROOT?benchmark=NAME` is six sets. @throws OptionError for two of one name */
export async function openOodSets(
  sets: readonly NamedDataset[],
  hint: ReturnType<typeof shapeHint>,
): Promise<OodSet[]> {
  const opened = await Promise.all(
    sets.map(({ name, dataset }) => {
      const named = { ...hint, ...(name === undefined ? {} : { name }) };
      return isScOod(dataset) ? openScOod(dataset, named) : openDataset(dataset, { ...named, ignoreLabels: true });
    }),
  );
  const all = opened.flat();
  const names = all.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new OptionError({
      where: "--ood",
      expected: "a different name for every OOD set",
      received: `"${twice}" twice`,
      hint: "write --ood NAME=DS",
    });
  }
  return all;
}
