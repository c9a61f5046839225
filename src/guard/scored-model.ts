/** A classifier with scores on top: logits and all scores of a batch from one run, with everything shared computed once. */
import { ShapeError } from "../errors.js";
import { type Addition, append } from "../graph/append.js";
import { type Dim, formatDims, type Model } from "../onnx/types.js";
import { type Classifier, inferShapes, logitsModel } from "../training/classifier.js";
import {
  featuresInput,
  imageInput,
  logitsInput,
  mapInput,
  type ScorePart,
  scoreOutput,
  weightOf,
} from "./score-part.js";

/** What {@link scoredModel} calls the score of a part: a name that no tensor of a model has. */
export const scoreName = ({ score }: ScorePart): string => `offmap/score/${score}`;

/** The classifier for any batch size with the outputs logits and one [N] per part, named by `outputOf`. */
export function scoredModel(
  classifier: Classifier,
  parts: readonly ScorePart[],
  outputOf: (part: ScorePart) => string = scoreName,
): Model {
  return append(logitsModel(classifier), additions(classifier, parts, outputOf));
}

/** What puts the parts on top of a classifier. */
export function additions(
  classifier: Classifier,
  parts: readonly ScorePart[],
  outputOf: (part: ScorePart) => string,
): Addition[] {
  return parts.map((part) => {
    const { graph } = part.model;
    return {
      graph,
      inputs: Object.fromEntries(graph.inputs.map(({ name }) => [name, tensorOfInput(name, classifier, part)])),
      outputs: { [scoreOutput]: outputOf(part) },
      prefix: `offmap/${part.score}/`,
    };
  });
}

/** The classifier's tensor for an input of a part. @throws ShapeError when it has none of that name */
export function tensorOfInput(
  name: string,
  { logits, input, upgraded }: Classifier,
  { score, features, map }: ScorePart,
): string {
  if (name === logitsInput) return logits;
  if (name === imageInput || name === input) return input;
  const named = { [featuresInput]: features, [mapInput]: map }[name];
  const tensor = named ?? weightOf(name) ?? name;
  const { nodes, initializers } = upgraded.graph;
  if (initializers.has(tensor) || nodes.some(({ outputs }) => outputs.includes(tensor))) return tensor;
  throw new ShapeError({
    where: `score ${score}`,
    expected: `the model it was fitted to, with a tensor "${tensor}"`,
    received: "a model without it",
    hint: "fit the score to this model",
  });
}

/**
 * @param shape  of one image
 * @throws ShapeError for a classifier with tensors of the names that a part takes, but of other sizes: other features, or other classes
 */
export function checkSizes(
  classifier: Classifier,
  parts: readonly ScorePart[],
  shape: readonly [number, number, number],
): void {
  if (parts.length === 0) return;
  const { values } = inferShapes(classifier, shape);
  const { initializers } = classifier.upgraded.graph;
  for (const part of parts) {
    for (const { name, dims = [] } of part.model.graph.inputs) {
      const tensor = tensorOfInput(name, classifier, part);
      // Further outputs of a network are not on the way to its logits, and their sizes are not known here.
      const found = (initializers.get(tensor) ?? values.get(tensor))?.dims;
      // A map may have any number of positions.
      const wanted = name === mapInput ? dims.slice(0, 2) : dims;
      if (found === undefined) continue;
      if (dims.length === found.length && wanted.every((size, axis) => fits(size, found[axis]))) continue;
      throw new ShapeError({
        where: `score ${part.score}`,
        expected: `"${tensor}" ${formatDims(dims)}, as the model that it was fitted to has`,
        received: formatDims(found.map((size, axis) => (typeof dims[axis] === "string" ? dims[axis] : size))),
        hint: "fit the score to this model",
      });
    }
  }
}

/** Whether a size is the one wanted, or either is open. */
const fits = (wanted: Dim, found: Dim | undefined): boolean =>
  typeof wanted !== "number" || typeof found !== "number" || wanted === found;
