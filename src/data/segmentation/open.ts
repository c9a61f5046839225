import { basename } from "node:path";
import { OptionError } from "../../errors.js";
import { choice } from "../dataset-options.js";
import { decodeValue } from "../dataset-spec.js";
import { selectImages } from "../selection.js";
import { sceneFilesDataset } from "./dataset.js";
import { leaveOutClasses } from "./label-map.js";
import { camvidSplits, openCamvid } from "./layouts/camvid.js";
import { cityscapesSplits, openCityscapes } from "./layouts/cityscapes.js";
import { fishyscapesSplits, openFishyscapes, openFishyscapesRelease } from "./layouts/fishyscapes.js";
import { lostAndFoundSplits, openLostAndFound } from "./layouts/lost-and-found.js";
import { openPairs } from "./layouts/pairs.js";
import { openRoadAnomaly } from "./layouts/road-anomaly.js";
import { openSmiyc } from "./layouts/smiyc.js";
import { parseSpec, requiredOption, type Spec, sceneOptionNames, sceneOptions } from "./options.js";
import type { SceneFile, SceneLayout } from "./scene-files.js";
import type { SegmentationDataset, Size } from "./types.js";

/** Options of each kind; a new layout is a new file, and a line here and in {@link layouts}. */
const kinds = {
  pairs: [...sceneOptionNames, "map"],
  camvid: [...sceneOptionNames, "split"],
  cityscapes: [...sceneOptionNames, "split"],
  fishyscapes: [...sceneOptionNames, "split", "images"],
  "lost-and-found": [...sceneOptionNames, "split"],
  "road-anomaly": sceneOptionNames,
  smiyc: sceneOptionNames,
} as const;

export type SegmentationKind = keyof typeof kinds;

/** The kinds of segmentation dataset, by the word before the colon. */
export const segmentationKinds = Object.keys(kinds) as readonly SegmentationKind[];

const layouts: Readonly<Record<SegmentationKind, (spec: Spec<string>) => Promise<SceneLayout>>> = {
  pairs(spec) {
    const [images, labels, ...more] = spec.location.split(",");
    if (!images || !labels || more.length > 0) {
      throw new OptionError({
        where: `dataset "${spec.text}"`,
        expected: "pairs:IMAGES,LABELS with two folders",
        received: `"${spec.location}"`,
      });
    }
    return openPairs(images, labels, requiredOption(spec, "map", "map=FILE.json, which says what the ids mean"));
  },
  camvid: (spec) => openCamvid(spec.location, split(spec, camvidSplits)),
  cityscapes: (spec) => openCityscapes(spec.location, split(spec, cityscapesSplits)),
  fishyscapes(spec) {
    const images = spec.options.get("images");
    if (images === undefined) return openFishyscapes(spec.location, split(spec, fishyscapesSplits));
    return openFishyscapesRelease(spec.location, decodeValue(images, `dataset "${spec.text}", option images`));
  },
  "lost-and-found": (spec) => openLostAndFound(spec.location, split(spec, lostAndFoundSplits)),
  "road-anomaly": (spec) => openRoadAnomaly(spec.location),
  smiyc: (spec) => openSmiyc(spec.location),
};

export interface OpenSegmentationOptions {
  /** Size that images and labels are brought to when the spec asks for none; default: they stay as they are. */
  readonly size?: Size;
  /** Name for tables; default: the last part of the (first) path. */
  readonly name?: string;
}

/**
 * Opens a segmentation dataset as the user writes it: `KIND:PATH[?OPTION=VALUE[&OPTION=VALUE...]]`, for example
 * `camvid:camvid?split=test&outlier=pedestrian,bicyclist&scale=0.5`. Kinds: see {@link segmentationKinds}; options: see
 * `SceneOptions`, and the layouts for `split`, `map` and `images`.
 *
 * @throws OptionError for a spec that says nothing, FormatError for a file that is not what it should be, DataError for
 *   images without labels, or none at all
 */
export async function openSegmentation(
  text: string,
  options: OpenSegmentationOptions = {},
): Promise<SegmentationDataset> {
  const spec = parseSpec(text, kinds, "dataset");
  const told = sceneOptions(spec);
  const where = `dataset "${text}"`;
  const { files, map } = await layouts[spec.kind](spec);
  const size = told.size ?? (told.scale === undefined ? options.size : undefined);
  return sceneFilesDataset({
    spec: text,
    name: options.name ?? basename(spec.location.split(",")[0] as string),
    files: Array.from(selectImages(files, told, where), (index) => files[index] as SceneFile),
    map: leaveOutClasses(map, told, where),
    ...(size === undefined ? {} : { size }),
    ...(told.scale === undefined ? {} : { scale: told.scale }),
  });
}

function split<Split extends string>(spec: Spec<string>, splits: readonly Split[]): Split {
  const meaning = splits.map((name) => `split=${name}`).join(" or ");
  return choice(requiredOption(spec, "split", meaning), splits, `dataset "${spec.text}", option split`);
}
