import { imageFiles } from "../data/image-files.js";
import { type ImageDataset, imageEndings, type OpenDatasetOptions, openDataset } from "../data/index.js";

/** Image files, or one folder or dataset spec, as a model takes them, without labels; `resize` holds where a spec does not say. */
export function openImages(
  texts: readonly string[],
  fit: Pick<OpenDatasetOptions, "shape" | "channels" | "resize"> = {},
): Promise<ImageDataset> {
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0 && !imageEndings.test(only)) {
    return openDataset(only, { ...fit, ignoreLabels: true });
  }
  return imageFiles(texts, fit);
}
