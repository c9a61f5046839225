import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { DataError, FormatError } from "../../../errors.js";
import { readText } from "../../files.js";
import { anomalyMask, type LabelMap, labelMap } from "../label-map.js";
import { pairFolders, type SceneLayout, stem } from "../scene-files.js";
import { outlierLabel, voidLabel } from "../types.js";

/** 0 background, 1 road, 2 anomaly, 255 ignored. */
const originalIds: LabelMap = labelMap([
  [0, 0],
  [1, 0],
  [2, outlierLabel],
  [255, voidLabel],
]);

const frameList = z.array(z.string().min(1)).min(1);

/**
 * Road Anomaly (Lis et al., "Detecting the Unexpected via Image Resynthesis", ICCV 2019), in either of two layouts:
 *
 * - as published: `DIR/frame_list.json`, a list of image names, `DIR/frames/NAME.{webp,jpg}` and
 *   `DIR/frames/NAME.labels/labels_semantic.png`, where 2 is an anomaly, and 0 and 1 (road) are not;
 * - as prepared for PEBAL and Balanced Energy: `DIR/original/*.jpg` and `DIR/labels/*.png`, masks of 0, 1 and 255.
 *
 * The same id means different things in the two; the layout decides. The authors' code takes every id from 2 on as an
 * anomaly; ids from 3 to 254 do not occur as far as is known, and are refused.
 *
 * @throws FormatError for a frame list that is none, DataError for a frame without files
 */
export async function openRoadAnomaly(root: string): Promise<SceneLayout> {
  const list = join(root, "frame_list.json");
  if ((await stat(list).catch(() => undefined)) === undefined) return openPrepared(root);
  const frames = await readFrameList(list);
  const files = await pairFolders({
    images: join(root, "frames"),
    labels: join(root, "frames"),
    labelOf: (image) => (frames.has(image) ? `${stem(image)}.labels/labels_semantic.png` : undefined),
  });
  const found = new Set(files.map(({ name }) => name));
  const missing = [...frames].find((name) => !found.has(name));
  if (missing !== undefined)
    throw new DataError({ where: list, problem: `${missing} is not in ${join(root, "frames")}` });
  return { map: originalIds, files };
}

async function openPrepared(root: string): Promise<SceneLayout> {
  return {
    map: anomalyMask,
    files: await pairFolders({
      images: join(root, "original"),
      labels: join(root, "labels"),
      labelOf: (image) => `${stem(image)}.png`,
    }),
  };
}

async function readFrameList(path: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(frameList.parse(JSON.parse(await readText(path))).map((name) => basename(name)));
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    throw new FormatError({ where: path, expected: "a JSON list of image names", received: "something else", cause });
  }
}
