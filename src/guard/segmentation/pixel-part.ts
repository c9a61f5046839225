/** A score of pixels that is ready for use: its options and what its fit has found, kept in files. The graph is made for each size of image. */
import type { Normalization } from "../../data/index.js";
import { FormatError, OptionError, UnsupportedError } from "../../errors.js";
import { GraphBuilder, minimumOpset } from "../../graph/builder.js";
import type { Model, Tensor } from "../../onnx/types.js";
import type { Fitted, ScoreOptions } from "../../scores/index.js";
import { type Classifier, normalizationFor } from "../../training/classifier.js";
import { checkNetwork, networkFingerprint, partFingerprint } from "../fingerprints.js";
import { checkNormalization, normalizationText } from "../same-normalization.js";
import { type PixelScoreDefinition, type PixelScoreName, pixelScores } from "./scores/index.js";

export interface PixelPart {
  readonly score: PixelScoreName;
  readonly options: ScoreOptions;
  readonly fitted: Fitted;
  /** Tensor of the model with the features; absent for scores without features. */
  readonly features?: string;
  /** The same for scores of several layers. */
  readonly layers?: readonly string[];
  /** How the images were normalised that it was fitted to; absent for scores that were fitted to none. */
  readonly normalization?: string;
  /** K, with which it was fitted; absent for scores that were fitted to none. */
  readonly classes?: number;
  /** Fingerprint of the network that it was fitted to; absent for scores that were fitted to none. */
  readonly network?: string;
}

/** Whether a score must be fitted before it can be used. */
export function pixelScoreNeedsFit(name: PixelScoreName): boolean {
  const { fit }: PixelScoreDefinition = pixelScores[name];
  return fit !== undefined;
}

/** Whether its fit looks at outliers too, so that the scenes must have some. */
export function pixelScoreNeedsOutliers(name: PixelScoreName): boolean {
  const { fitsOutliers = false }: PixelScoreDefinition = pixelScores[name];
  return fitsOutliers;
}

/** The options of a score, with those given in place of the defaults. @throws OptionError for a name that the score does not have */
export function pixelOptionsOf(name: PixelScoreName, given: ScoreOptions = {}): ScoreOptions {
  const { defaults, check }: PixelScoreDefinition = pixelScores[name];
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

/** A score that needs no fit. @throws OptionError for one that does */
export function readyPixelPart(name: PixelScoreName, given: ScoreOptions = {}): PixelPart {
  if (pixelScoreNeedsFit(name)) {
    throw new OptionError({
      where: `score ${name}`,
      expected: "a score that needs no fit",
      received: `one that is fitted to training images (${pixelScores[name].title})`,
      hint: `run \`offmap fit --model M --id DS --score ${name} --out ${name}.onnx\`, and give the file with --fit`,
    });
  }
  return { score: name, options: pixelOptionsOf(name, given), fitted: {} };
}

/** The part, which from now on is refused with another network, with images that are normalised otherwise, and with another number of classes. */
export function pixelPartFittedWith(
  part: PixelPart,
  classifier: Classifier,
  { normalization, classes }: { readonly normalization?: Normalization | undefined; readonly classes: number },
): PixelPart {
  const network = networkFingerprint(classifier);
  return { ...part, normalization: normalizationText(normalizationFor(classifier, normalization)), classes, network };
}

/** @throws OptionError for another network than the part was fitted to, or images normalised otherwise */
export function checkPixelPart(
  part: PixelPart,
  classifier: Classifier,
  normalization: Normalization | undefined,
): void {
  checkNetwork(part.network, classifier, `score ${part.score}`);
  checkNormalization(part.normalization, normalizationFor(classifier, normalization), {
    what: `score ${part.score} was fitted`,
    again: "give the same one, or fit the score again",
  });
}

/** @throws OptionError for another number of classes than the part was fitted with */
export function checkPartClasses({ score, classes: fitted }: PixelPart, classes: number): void {
  if (fitted === undefined || fitted === classes) return;
  throw new OptionError({
    where: `score ${score}`,
    expected: `${fitted} classes, with which it was fitted`,
    received: String(classes),
    hint: "tell the classes by the labels or --classes as where it was fitted, or fit it again",
  });
}

/** SHA-256, in hexadecimal, of the score, its options, the tensors it looks at, and what its fit has found. */
export function pixelPartFingerprint({ score, options, fitted, features, layers = [] }: PixelPart): string {
  const model = encodePixelPart({ score, options, fitted });
  return partFingerprint({ model, score, options, features: features ?? layers.join() });
}

const partKey = "offmap.pixel_score";

/** The part as an ONNX file, whose outputs are what the fit has found. */
export function encodePixelPart({ fitted, ...described }: PixelPart): Model {
  const graph = new GraphBuilder(minimumOpset);
  const outputs = Object.fromEntries(
    Object.entries(fitted).map(([name, tensor]) => [name, graph.initializer(`${name} of the fit`, tensor)]),
  );
  const model = graph.model(outputs, `${described.score} score of pixels`);
  return { ...model, metadata: new Map([[partKey, JSON.stringify(described)]]) };
}

/** Whether a file holds a score of pixels. */
export const isPixelPart = ({ metadata }: Model): boolean => metadata.has(partKey);

/** @throws FormatError unless the model is a part that {@link encodePixelPart} made */
export function asPixelPart({ metadata, graph }: Model, file: string): PixelPart {
  const text = metadata.get(partKey);
  const described = text === undefined ? undefined : (JSON.parse(text) as Omit<PixelPart, "fitted">);
  if (described === undefined || !Object.hasOwn(pixelScores, described.score)) {
    throw new FormatError({
      where: file,
      expected: "a score of pixels that `offmap fit` has written",
      received:
        described === undefined ? "another ONNX file" : `a score this version does not know, "${described.score}"`,
      hint: "run `offmap fit` with the segmentation network again",
    });
  }
  const fitted = Object.fromEntries(
    graph.outputs.map(({ name }) => [name, graph.initializers.get(`${name} of the fit`) as Tensor]),
  );
  return { ...described, fitted };
}

/** @throws UnsupportedError for a score that looks at what the model does not have */
export function refuseMissing(name: PixelScoreName, expected: string, received: string): never {
  throw new UnsupportedError({
    where: `score ${name}`,
    expected,
    received,
    hint: "use a score of the logits, such as energy",
  });
}
