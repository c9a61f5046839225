import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { OptionError } from "../errors.js";
import { viewDataset } from "./dataset.js";
import { type DatasetOptions, parseDatasetOptions, type ResizeMode } from "./dataset-options.js";
import { type DatasetKind, parseDatasetSpec } from "./dataset-spec.js";
import { openCifar } from "./formats/cifar.js";
import { openFolder } from "./formats/folder.js";
import { openIdx } from "./formats/idx.js";
import { openList } from "./formats/list.js";
import { openNpyImages } from "./formats/npy-images.js";
import { openSheet } from "./formats/sheet.js";
import { recogniseKind } from "./recognise.js";
import { selectImages } from "./selection.js";
import type { ImageDataset, ImageShape, ImageSource } from "./types.js";

export interface OpenDatasetOptions {
  /**
   * What a model takes: images of other sizes are resized to it, grey ones repeated for its channels. Absent: images keep
   * their size, and must be of one.
   */
  readonly shape?: ImageShape;
  /** What a model of any size takes, in place of `shape`: grey images are repeated, colours weighted to grey. */
  readonly channels?: number;
  /** How, where the dataset itself does not say; default stretch. */
  readonly resize?: ResizeMode;
  /** Labels are not looked at and need not make sense, as with outliers: the dataset has none. Default false. */
  readonly ignoreLabels?: boolean;
  /** Only labels and the fingerprint are asked for: `resize` of the dataset needs no shape then. Default false. */
  readonly unread?: boolean;
  /** Name for tables; default: the last part of the (first) path, without its ending. */
  readonly name?: string;
}

/** One entry for each kind; a new format is a new file and a new line here (and in `datasetKinds`). */
const sources: Readonly<
  Record<DatasetKind, (paths: readonly string[], options: DatasetOptions) => Promise<ImageSource>>
> = {
  cifar: openCifar,
  folder: ([path = ""], options) => openFolder(path, options),
  list: ([path = ""], options) => openList(path, options),
  idx: openIdx,
  npy: openNpyImages,
  sheet: ([path = ""], options) => openSheet(path, options),
};

/** Kinds that read several files. */
const severalFiles: readonly DatasetKind[] = ["cifar", "idx", "npy"];

/**
 * Opens a dataset as the user writes it: `KIND:PATH[,PATH...][?OPTION=VALUE[&OPTION=VALUE...]]`, or a path from which
 * the kind is recognised. Kinds: `cifar`, `folder`, `list`, `idx`, `npy`, `sheet`; options: see {@link DatasetOptions}.
 *
 * @throws OptionError for a spec that says nothing, FormatError for a file that is not what it should be, DataError for
 *   data that cannot serve
 */
export async function openDataset(text: string, options: OpenDatasetOptions = {}): Promise<ImageDataset> {
  const spec = parseDatasetSpec(text);
  const kind = spec.kind ?? (await recogniseKind(spec.location));
  const told = parseDatasetOptions(spec, kind);
  const settings: DatasetOptions = options.ignoreLabels ? { ...told, labels: "none" } : told;
  checkSize(settings, options, `dataset "${text}"`);
  const paths = severalFiles.includes(kind) ? await splitPaths(spec.location) : [spec.location];
  const source = await sources[kind](paths, settings);
  return viewDataset({
    spec: text,
    name: options.name ?? nameOf(paths[0] ?? spec.location),
    source,
    selection: selectImages(source, settings, `dataset "${text}"`),
    ...viewedAs(settings, options),
    ...(options.channels === undefined ? {} : { channels: options.channels }),
    withLabels: settings.labels !== "none",
  });
}

/** @throws OptionError for a size that is not the model's, and for a way to resize without anything to resize to */
function checkSize({ size, resize }: DatasetOptions, { shape, unread }: OpenDatasetOptions, where: string): void {
  if (resize !== undefined && shape === undefined && size === undefined && !unread) {
    throw new OptionError({ where, problem: "resize needs a model to resize to, or size=HEIGHTxWIDTH" });
  }
  if (size === undefined || shape === undefined) return;
  const [, height, width] = shape;
  if (size.height === height && size.width === width) return;
  throw new OptionError({
    where,
    expected: `images of ${height}x${width}, which the model takes`,
    received: `size=${size.height}x${size.width}`,
    hint: "leave size out, and they are brought to its size",
  });
}

/** Without a shape or a size nothing is resized, and how it is to be later only counts where the dataset says so. */
function viewedAs({ resize: told, size }: DatasetOptions, { shape, resize = "stretch" }: OpenDatasetOptions) {
  if (shape !== undefined) return { shape, resize: told ?? resize };
  if (size !== undefined) return { size, resize: told ?? resize };
  return told === undefined ? {} : { resize: told };
}

/** A comma parts paths, unless the whole is the name of a file. */
async function splitPaths(location: string): Promise<readonly string[]> {
  if (!location.includes(",") || (await stat(location).catch(() => undefined)) !== undefined) return [location];
  const paths = location.split(",");
  if (paths.includes("")) {
    throw new OptionError({ where: "dataset", expected: "paths with commas between", received: `"${location}"` });
  }
  return paths;
}

function nameOf(path: string): string {
  return basename(path).replace(/\.[^.]+$/, "") || path;
}
