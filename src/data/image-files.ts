import { viewDataset } from "./dataset.js";
import type { ResizeMode } from "./dataset-options.js";
import { fileSource } from "./formats/folder.js";
import type { OpenDatasetOptions } from "./open.js";
import type { ImageDataset } from "./types.js";

/**
 * Single image files as a dataset without labels, in the order given.
 *
 * @param fit     the shape that a model takes, or its channels; absent: the shape of the first image
 * @param resize  how files of another size are brought to the shape
 * @throws DataError for a file that is no image
 */
export function imageFiles(
  paths: readonly string[],
  { shape, channels }: Pick<OpenDatasetOptions, "shape" | "channels"> = {},
  resize: ResizeMode = "stretch",
): Promise<ImageDataset> {
  return viewDataset({
    spec: paths.length === 1 ? (paths[0] as string) : `${paths.length} image files`,
    name: "images",
    source: fileSource(paths, ""),
    selection: Int32Array.from(paths, (_, index) => index),
    ...(shape === undefined ? {} : { shape, resize }),
    ...(channels === undefined ? {} : { channels }),
    withLabels: false,
  });
}
