/** A classifier with scores on top: logits and all scores of a batch from one run, with everything shared computed once. */
import { ShapeError } from "../errors.js";
import { type Addition, append } from "../graph/append.js";
import type { Model } from "../onnx/types.js";
import { type Classifier, logitsModel } from "../training/classifier.js";
import { featuresInput, logitsInput, type ScorePart, scoreOutput } from "./score-part.js";

/** The classifier for any batch size with the outputs logits and one [N] per part, named by `outputOf`. */
export function scoredModel(
  classifier: Classifier,
  parts: readonly ScorePart[],
  outputOf: (part: ScorePart) => string = ({ score }) => score,
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
    const { features: tensor, model } = part;
    if (tensor !== undefined) checkTensor(classifier, tensor, part);
    return {
      graph: model.graph,
      inputs: { [logitsInput]: classifier.logits, ...(tensor === undefined ? {} : { [featuresInput]: tensor }) },
      outputs: { [scoreOutput]: outputOf(part) },
      prefix: `offmap/${part.score}/`,
    };
  });
}

function checkTensor({ upgraded }: Classifier, tensor: string, { score }: ScorePart): void {
  const there = upgraded.graph.nodes.some(({ outputs }) => outputs.includes(tensor));
  if (there) return;
  throw new ShapeError({
    where: `score ${score}`,
    expected: `the model it was fitted to, with a tensor "${tensor}"`,
    received: "a model without it",
    hint: "fit the score to this model",
  });
}
