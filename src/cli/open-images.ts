import { imageFiles } from "../data/image-files.js";
import { type ImageDataset, type ImageShape, imageEndings, openDataset, type ResizeMode } from "../data/index.js";

/** Image files, or one folder or dataset spec; `resize` holds where a spec does not say. */
export function openImages(
  texts: readonly string[],
  shape: ImageShape | undefined,
  resize: ResizeMode = "stretch",
): Promise<ImageDataset> {
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0 && !imageEndings.test(only)) {
    return openDataset(only, { resize, ...(shape === undefined ? {} : { shape }) });
  }
  return imageFiles(texts, shape, resize);
}
