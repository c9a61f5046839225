/** A score as an ONNX graph of its own, from logits and features, or the image, to one number per image: what is kept in files and put on top of models. */
import type { ImageDataset, Normalization, ResizeMode } from "../data/index.js";
import { FormatError, OptionError } from "../errors.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import type { Model } from "../onnx/types.js";
import { type Fitted, type ScoreDefinition, type ScoreName, type ScoreOptions, scores } from "../scores/index.js";
import { type Classifier, normalizationFor } from "../training/classifier.js";
import { type Features, featuresExpression } from "./features.js";
import { checkNetwork, networkFingerprint } from "./fingerprints.js";
import { isOutputScore, type OutputScoreName } from "./output-scores.js";
import { checkNormalization, normalizationText } from "./same-normalization.js";

/** Keys of a part's metadata. */
const scoreKey = "offmap.score";
const optionsKey = "offmap.score.options";
const featuresKey = "offmap.score.features";
const mapKey = "offmap.score.map";
const partNormalizationKey = "offmap.score.normalization";
const partResizeKey = "offmap.score.resize";
const fittedToKey = "offmap.score.fitted_to";
const networkKey = "offmap.score.network";

export const scoreOutput = "ood_score";
export const logitsInput = "logits";
export const featuresInput = "features";
export const mapInput = "map";
export const imageInput = "image";
/** Input of a part that takes an initializer of the classifier. */
export const weightInput = (name: string): string => `${weightPrefix}${name}`;
/** The other way round; undefined for inputs that take something else. */
export const weightOf = (input: string): string | undefined =>
  input.startsWith(weightPrefix) ? input.slice(weightPrefix.length) : undefined;
const weightPrefix = "weight/";

/** Name of a weighted sum of scores, which is no score of its own. */
export const combinedScore = "combined";
export type PartName = ScoreName | typeof combinedScore | OutputScoreName;

/** Images that a score was fitted to. */
export interface FittedTo {
  readonly dataset: string;
  readonly images: number;
}

export interface ScorePart {
  readonly score: PartName;
  readonly options: ScoreOptions;
  /** Tensor of the classifier that holds the features; absent for scores of logits alone. */
  readonly features?: string;
  /** Tensor of the classifier that holds the map which the features are the means of; for scores that use it. */
  readonly map?: string;
  /** How the images were normalised that it was fitted to; absent for scores that were fitted to none. */
  readonly normalization?: string;
  /** How images of other sizes were brought to the network's; absent where there were none, or that does not matter. */
  readonly resize?: ResizeMode;
  /** What it was fitted to; absent where it was fitted to nothing. */
  readonly fittedTo?: FittedTo;
  /** Fingerprint of the network that it was made for; absent for scores of logits that need no fit, which suit all. */
  readonly network?: string;
  /**
   * Inputs `logits` [N, K] and, where they are named above, the tensors `features` and `map`; for scores of the image, `image` and the
   * classifier's weights instead. Output `ood_score` [N].
   */
  readonly model: Model;
}

/** The options of a score, with those given in place of the defaults. @throws OptionError for a name that the score does not have */
export function optionsOf(name: ScoreName, given: ScoreOptions = {}): ScoreOptions {
  const { defaults, check }: ScoreDefinition = scores[name];
  const unknown = Object.keys(given).find((option) => !Object.hasOwn(defaults, option));
  if (unknown !== undefined) {
    const known = Object.keys(defaults);
    throw new OptionError({
      where: `--option ${unknown}`,
      expected: known.length === 0 ? `no options, as ${name} has none` : `one of ${known.join(", ")}`,
      received: unknown,
    });
  }
  const options = { ...defaults, ...given };
  check?.(options);
  return options;
}

/**
 * @param fitted    what the score's `fit` found; nothing for scores without one
 * @param features  where they are; for scores that use them
 */
export function buildPart(
  name: ScoreName,
  options: ScoreOptions,
  fitted: Fitted,
  classes: number,
  features?: Features,
): ScorePart {
  const definition: ScoreDefinition = scores[name];
  const graph = new GraphBuilder(minimumOpset);
  const logits = graph.input(logitsInput, "float32", ["N", classes]);
  const used = definition.uses.includes("features") ? features : undefined;
  const map = definition.uses.includes("map") ? features?.map : undefined;
  const inputs = {
    logits,
    ...(used && { features: featuresExpression(graph, featuresInput, used) }),
    ...(map && { map: graph.input(mapInput, "float32", ["N", features?.dimension ?? "D", ...map.size]) }),
    ...(features?.head && { head: features.head }),
  };
  const score = definition.expression(inputs, options, fitted);
  return labelledPart(name, options, graph.model({ [scoreOutput]: score }, `${name} score`), {
    ...(used && { features: used.tensor }),
    ...(map && { map: map.tensor }),
  });
}

/** The part with what {@link asPart} reads back in its metadata. */
export function labelledPart(
  name: PartName,
  options: ScoreOptions,
  model: Model,
  tensors: Pick<ScorePart, "features" | "map"> = {},
): ScorePart {
  const metadata = new Map([
    [scoreKey, name],
    [optionsKey, JSON.stringify(options)],
    ...(tensors.features === undefined ? [] : [[featuresKey, tensors.features] as const]),
    ...(tensors.map === undefined ? [] : [[mapKey, tensors.map] as const]),
  ]);
  return { score: name, options, model: { ...model, metadata }, ...tensors };
}

/**
 * The part, which from now on says what it was fitted to, and is refused with another network and with images that are normalised otherwise.
 *
 * @param classifier  that it was made for
 * @param dataset     undefined for a score that needs nothing but the model
 */
export function fittedTo(
  part: ScorePart,
  classifier: Classifier,
  dataset: Pick<ImageDataset, "name" | "length" | "resize"> | undefined,
  normalization: Normalization | undefined,
): ScorePart {
  const text = normalizationText(normalizationFor(classifier, normalization));
  const told = dataset && { dataset: dataset.name, images: dataset.length };
  const network = networkFingerprint(classifier);
  const resize = dataset?.resize;
  const metadata = new Map([
    ...part.model.metadata,
    [partNormalizationKey, text],
    [networkKey, network],
    ...(resize === undefined ? [] : [[partResizeKey, resize] as const]),
    ...(told === undefined ? [] : [[fittedToKey, JSON.stringify(told)] as const]),
  ]);
  return {
    ...{ ...part, normalization: text, network, model: { ...part.model, metadata } },
    ...(resize !== undefined && { resize }),
    ...(told && { fittedTo: told }),
  };
}

/** @throws OptionError for another network than the part was made for, or images normalised otherwise than those that it was fitted to */
export function checkFitted(part: ScorePart, classifier: Classifier, normalization: Normalization | undefined): void {
  checkNetwork(part.network, classifier, `score ${part.score}`);
  checkNormalization(part.normalization, normalizationFor(classifier, normalization), {
    what: `score ${part.score} was fitted`,
    again: "give the same one, or fit the score again",
  });
}

/** @throws OptionError for images that are brought to the network's size in another way than those that the part was fitted to */
export function checkResize(part: ScorePart, { spec, resize }: Pick<ImageDataset, "spec" | "resize">): void {
  if (part.resize === undefined || resize === undefined || part.resize === resize) return;
  throw new OptionError({
    where: spec,
    expected: `resize=${part.resize}, with which the score ${part.score} was fitted`,
    received: `resize=${resize}`,
    hint: "give the same one in the dataset, or to `offmap score` as --resize, or fit the score again",
  });
}

/** A score of logits alone that needs no fit. @throws OptionError for one that does */
export function readyPart(name: PartName, classes: number, given: ScoreOptions = {}): ScorePart {
  if (name === combinedScore) {
    throw new OptionError({
      where: `score ${name}`,
      expected: "a score that needs nothing but the logits",
      received: "a weighted sum of scores",
      hint: "run `offmap combine`, and give the file with --fit",
    });
  }
  if (isOutputScore(name)) {
    throw new OptionError({
      where: `score ${name}`,
      expected: "a score that needs nothing but the logits",
      received: "one of a further output of the network",
    });
  }
  const definition: ScoreDefinition = scores[name];
  if (needsFit(name)) {
    throw new OptionError({
      where: `score ${name}`,
      expected: "a score that needs nothing but the logits",
      received: `one that ${whatFor(definition)} (${definition.title})`,
      hint: `run \`offmap fit --model M --id DS --score ${name} --out ${name}.onnx\`, and give the file with --fit`,
    });
  }
  return buildPart(name, optionsOf(name, given), {}, classes);
}

function whatFor({ fit, uses }: ScoreDefinition): string {
  if (uses.includes("image")) return "differentiates the model";
  return fit === undefined ? "looks at the model's features" : "is fitted to in-distribution data";
}

/** Whether a score must be fitted, or at least be told where the features are or which model to differentiate. */
export function needsFit(name: ScoreName): boolean {
  const { fit, uses }: ScoreDefinition = scores[name];
  return fit !== undefined || uses.includes("features") || uses.includes("map") || takesImage(name);
}

/** Whether a score is one of the image and the model. */
export function takesImage(name: ScoreName): boolean {
  const { uses }: ScoreDefinition = scores[name];
  return uses.includes("image");
}

/** @throws FormatError unless the model is a part that {@link buildPart} made */
export function asPart(model: Model, file: string): ScorePart {
  const name = model.metadata.get(scoreKey);
  const options = model.metadata.get(optionsKey);
  if (name === undefined || options === undefined || !(Object.hasOwn(scores, name) || name === combinedScore)) {
    throw new FormatError({
      where: file,
      expected: "a score that `offmap fit` has written",
      received: name === undefined ? "another ONNX file" : `a score this version does not know, "${name}"`,
      hint: "run `offmap fit` again",
    });
  }
  const features = model.metadata.get(featuresKey);
  const map = model.metadata.get(mapKey);
  const normalization = model.metadata.get(partNormalizationKey);
  const resize = model.metadata.get(partResizeKey) as ResizeMode | undefined;
  const told = model.metadata.get(fittedToKey);
  const network = model.metadata.get(networkKey);
  const part = { score: name as PartName, options: JSON.parse(options) as ScoreOptions, model };
  return {
    ...part,
    ...(features !== undefined && { features }),
    ...(map !== undefined && { map }),
    ...(normalization !== undefined && { normalization }),
    ...(resize !== undefined && { resize }),
    ...(told !== undefined && { fittedTo: JSON.parse(told) as FittedTo }),
    ...(network !== undefined && { network }),
  };
}
