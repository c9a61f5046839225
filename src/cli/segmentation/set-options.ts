/** What `eval` and `compare` take for segmentation networks beside what they take for classifiers. */
import { type OptionDeclarations, toggle } from "../option.js";
import { integer, oneOf, text } from "../parsers.js";

const group = "Segmentation:";

export const sceneSetOptions = {
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
  ...{ paste: "paste", pastePlan: "paste-plan", pasteSeed: "paste-seed" },
  ...{ prior: "prior", perImage: "per-image", components: "components" },
};
