import type { BadInputCase } from "./cases.js";

/** With segmentation networks. In `scenes`, nothing is wrong; the other folders break one thing each. */
export const segmentationCases: readonly BadInputCase[] = [
  {
    kind: "label outside the map",
    command: "offmap eval --model segmenter.onnx --id pairs:scenes/images,strange-ids?map=map.json",
    exitCode: 2,
    message:
      "strange-ids/0.png, row 1, column 4: expected an id of the label map (0 to 3, 9), got 77; the map belongs to other label files, or these are coloured or damaged",
  },
  {
    kind: "image and label of different sizes",
    command: "offmap eval --model segmenter.onnx --id pairs:scenes/images,small-labels?map=map.json",
    exitCode: 2,
    message: "small-labels/0.png: expected labels of 16 x 12 pixels, as scenes/images/0.png has, got 8 x 6",
  },
  {
    kind: "scenes without anomalies",
    command: "offmap eval --model segmenter.onnx --ood pairs:scenes/images,scenes/labels?map=map.json",
    exitCode: 2,
    message:
      "pairs:scenes/images,scenes/labels?map=map.json: expected pixels of anomalies and of known classes, got no anomaly (756 pixels of known classes); classes become anomalies with outlier=NAME; objects can be pasted",
  },
  {
    kind: "scenes with anomalies only",
    command: "offmap eval --model segmenter.onnx --ood pairs:scenes/images,scenes/labels?map=all-outliers.json",
    exitCode: 2,
    message:
      "pairs:scenes/images,scenes/labels?map=all-outliers.json: expected pixels of anomalies and of known classes, got anomalies only (756 pixels); check the label map",
  },
  {
    kind: "more classes than the network has",
    command: "offmap eval --model segmenter.onnx --id pairs:scenes/images,scenes/labels?map=six-classes.json",
    exitCode: 2,
    message:
      "pairs:scenes/images,scenes/labels?map=six-classes.json: expected labels of at most 5 classes, which the model tells apart, got 6 (grass, road, sky, ...); leave out the classes that the model was not trained on, with ?outlier=NAME or ?void=NAME",
  },
  {
    kind: "classes left out that the network has",
    command: "offmap eval --model segmenter.onnx --id pairs:scenes/images,scenes/labels?map=map.json&void=0",
    exitCode: 2,
    message:
      'pairs:scenes/images,scenes/labels?map=map.json&void=0: expected class "road" as number 1, which the model\'s output of it has, got number 0, the output of "grass"; leave out the classes that the model was not trained on and no others, with ?void=NAME or ?outlier=NAME',
  },
  {
    kind: "object without an alpha channel",
    command:
      "offmap prior --model segmenter.onnx --id pairs:scenes/images,scenes/labels?map=map.json --outliers cutouts:opaque --scenes 2",
    exitCode: 2,
    message: "opaque/0.png: …alpha channel…",
  },
  {
    kind: "neither scenes with classes nor scenes with anomalies",
    command: "offmap eval --model segmenter.onnx",
    exitCode: 2,
    message: "--ood: expected scenes with anomalies as --ood, scenes with classes as --id, or both, got neither",
  },
  {
    kind: "score of pixels for a classifier",
    command: "offmap eval --model model.onnx --id three-classes --ood outliers --scores blurred-energy",
    exitCode: 2,
    message: '--scores: expected a score of an image classifier (…), got "blurred-energy"',
  },
  {
    kind: "score of a second head that the network does not have",
    command:
      "offmap eval --model segmenter.onnx --ood pairs:scenes/images,scenes/labels?map=map.json&outlier=thing --scores dense-hybrid",
    exitCode: 2,
    message:
      'score dense-hybrid: expected a model with a second head, output "outlier_logits", got a model without it; use a score of the logits, such as energy',
  },
  {
    kind: "anomaly map without a threshold",
    command: "offmap export --model segmenter.onnx --out guarded.onnx",
    exitCode: 2,
    message: "export: --calibration FILE or --threshold T is missing; add it, or see `offmap export --help`",
  },
  {
    kind: "scenes for a classifier",
    command: "offmap eval --model model.onnx --id three-classes --ood outliers --paste cutouts:objects",
    exitCode: 2,
    message:
      "--paste: expected options of image classifiers, got one that has no effect on them; leave it out; `--task` says what a model is where its output does not tell",
  },
  {
    kind: "plan without objects",
    command:
      "offmap eval --model segmenter.onnx --ood pairs:scenes/images,scenes/labels?map=map.json --paste-plan plan.json",
    exitCode: 2,
    message: "--paste-plan: expected --paste OBJECTS beside it, got none",
  },
];
