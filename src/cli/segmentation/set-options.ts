/** What `eval`, `compare` and `calibrate` take for segmentation networks beside what they take for classifiers. */
import { type Option, type OptionDeclarations, toggle } from "../option.js";
import { integer, oneOf, text } from "../parsers.js";
import { classesOption } from "./classes-option.js";
import { featherOption, pasteScaleOption } from "./paste-options.js";

const group = "Segmentation:";

/** What `offmap fit --segments` has written. */
export const segmentsOption = {
  placeholder: "FILE",
  group,
  help: "leave out of a score's maps what this classifier of segments takes for false alarms: a file of `offmap fit --segments`",
  parser: text("the path of a JSON file"),
} as const satisfies Option;

/** Objects as the anomalies of scenes that have none. */
export const pasteSetOptions = {
  paste: {
    placeholder: "OBJECTS",
    group,
    help: "paste an object into each image of every --ood set: cutouts:DIR or coco:DIR",
    parser: text("a set of objects such as cutouts:DIR"),
  },
  pastePlan: {
    placeholder: "FILE",
    group,
    help: "which object goes where; with --paste",
    default: "drawn by --paste-seed",
    parser: text("the path of a plan"),
  },
  pasteSeed: {
    placeholder: "S",
    group,
    help: "start of the drawing; with --paste",
    default: "1",
    parser: integer({ min: 0, max: 2 ** 31 - 1 }),
  },
  pasteScale: pasteScaleOption,
  feather: featherOption,
} as const satisfies OptionDeclarations;

/** Their flags by key. */
export const pasteSetFlags = {
  ...{ paste: "paste", pastePlan: "paste-plan", pasteSeed: "paste-seed" },
  ...{ pasteScale: "paste-scale", feather: "feather" },
};

export const sceneSetOptions = {
  ...pasteSetOptions,
  classes: { ...classesOption, default: "those that labels or its metadata name, else all" },
  prior: {
    placeholder: "FILE",
    group,
    help: "prior that `offmap prior` has written, for the report",
    parser: text("the path of a JSON file"),
  },
  perImage: toggle("metrics of every image by itself too, and their means", { group }),
  components: {
    placeholder: "TRACK",
    group,
    help: "sIoU, PPV and F1 of components, with the smallest sizes of that track",
    parser: oneOf(["anomaly", "obstacle"]),
  },
} as const satisfies OptionDeclarations;

/** Their flags by key. */
export const sceneSetFlags = {
  ...pasteSetFlags,
  ...{ classes: "classes", prior: "prior", perImage: "per-image", components: "components" },
};
