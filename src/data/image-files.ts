import { viewDataset } from "./dataset.js";
import type { ResizeMode } from "./dataset-options.js";
import { fileSource } from "./formats/folder.js";
import type { ImageDataset, ImageShape } from "./types.js";

/**
 * Single image files as a dataset without labels, in the order given.
 *
 * @param shape   what a model takes; absent: that of the first image
 * @param resize  how files of another size are brought to it
 * @throws DataError for a file that is no image
 */
export function imageFiles(
  paths: readonly string[],
  shape?: ImageShape,
  resize: ResizeMode = "stretch",
): Promise<ImageDataset> {
  return viewDataset({
    spec: paths.length === 1 ? (paths[0] as string) : `${paths.length} image files`,
    name: "images",
    source: fileSource(paths, ""),
    selection: Int32Array.from(paths, (_, index) => index),
    ...(shape === undefined ? {} : { shape, resize }),
    withLabels: false,
  });
}
