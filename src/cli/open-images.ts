import { imageFiles } from "../data/image-files.js";
import { type ImageDataset, type ImageShape, imageEndings, openDataset } from "../data/index.js";

/** Image files, or one folder or dataset spec. */
export function openImages(texts: readonly string[], shape: ImageShape | undefined): Promise<ImageDataset> {
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0 && !imageEndings.test(only)) {
    return openDataset(only, shape === undefined ? {} : { shape });
  }
  return imageFiles(texts, shape);
}
