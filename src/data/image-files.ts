import { viewDataset } from "./dataset.js";
import { fileSource } from "./formats/folder.js";
import type { OpenDatasetOptions } from "./open.js";
import type { ImageDataset } from "./types.js";

/**
 * Single image files as a dataset without labels, in the order given.
 *
 * @param fit  the shape that a model takes, or its channels, and how files of another size are brought to it; absent: the shape of the first image
 * @throws DataError for a file that is no image
 */
export function imageFiles(
  paths: readonly string[],
  { shape, channels, resize = "stretch" }: Pick<OpenDatasetOptions, "shape" | "channels" | "resize"> = {},
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
