/** What `fit` takes for segmentation networks beside what it takes for classifiers. */
import type { OptionDeclarations } from "../option.js";
import { numberOrAuto } from "../parsers.js";
import { shared } from "../shared-options.js";
import { featherOption, pasteScaleOption } from "./paste-options.js";
import { sceneSetOptions } from "./set-options.js";

const group = "Segmentation:";

export const sceneFitOptions = {
  paste: {
    ...sceneSetOptions.paste,
    help: "paste an object into each scene of --id, for what is fitted to outliers too: cutouts:DIR or coco:DIR",
  },
  pasteSeed: sceneSetOptions.pasteSeed,
  pasteScale: pasteScaleOption,
  feather: featherOption,
  segments: {
    placeholder: "T|auto",
    group,
    help: "instead of the score, fit what tells false alarms among the segments of its map, pixels of at least T; auto: where the F1 of pixels is best",
    parser: numberOrAuto(),
  },
  fit: {
    ...shared.fit,
    group,
    help: "with --segments: the score as `offmap fit` has written it, for one that needs a fit",
  },
} as const satisfies OptionDeclarations;

/** Their flags by key. */
export const sceneFitFlags = {
  ...{ paste: "paste", pasteSeed: "paste-seed", pasteScale: "paste-scale", feather: "feather" },
  ...{ segments: "segments", fit: "fit" },
};
