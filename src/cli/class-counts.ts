import { classCounts, openDataset, requireLabels } from "../data/index.js";

/** Images of each class in labelled images, up to the last class that has one. @throws DataError without labels */
export async function countClasses(spec: string): Promise<readonly number[]> {
  const labels = requireLabels(await openDataset(spec, { unread: true }));
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  return Array.from(classCounts(labels, classes));
}
