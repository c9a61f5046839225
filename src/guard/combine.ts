/**
 * Several scores as one: their weighted sum, with weights from a logistic regression that tells in-distribution images from OOD ones. With
 * Mahalanobis distances of several layers it is the feature ensemble of Lee et al., NeurIPS 2018, section 2.2, who take the images from the OOD test
 * set, and so know what they will be asked; here they must be others.
 */
import type { ImageDataset } from "../data/index.js";
import { OptionError } from "../errors.js";
import { append } from "../graph/append.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import type { Model, ValueInfo } from "../onnx/types.js";
import { add, type Expr, mul } from "../ops/index.js";
import type { Engine } from "../runtime/index.js";
import { fitLogistic } from "../scores/fit/logistic.js";
import type { Classifier } from "../training/classifier.js";
import type { PredictOptions } from "../training/predict.js";
import { scoreDataset } from "./score-dataset.js";
import { combinedScore, fittedTo, labelledPart, type ScorePart, scoreOutput } from "./score-part.js";
import { tensorOfInput } from "./scored-model.js";

/**
 * @param parts  two or more fitted to the same classifier
 * @param id     in-distribution images that neither model nor scores were fitted to
 * @param ood    OOD images, of no set that the result is tested on
 * @throws OptionError for fewer than two parts
 */
export async function combineScores(
  engine: Engine,
  classifier: Classifier,
  parts: readonly ScorePart[],
  id: ImageDataset,
  ood: readonly ImageDataset[],
  run: Omit<PredictOptions, "indices"> = {},
): Promise<ScorePart> {
  if (parts.length < 2) {
    throw new OptionError({ where: "combine", expected: "two or more scores", received: String(parts.length) });
  }
  const columns = parts.map((part, index) => ({ ...part, score: `${index + 1} ${part.score}` as ScorePart["score"] }));
  const rowsOf = async (dataset: ImageDataset): Promise<number[][]> => {
    const { scores } = await scoreDataset(engine, classifier, dataset, columns, run);
    return Array.from({ length: dataset.length }, (_, row) =>
      columns.map(({ score }) => scores[score]?.[row] as number),
    );
  };
  const known = await rowsOf(id);
  const others = [];
  for (const dataset of ood) others.push(...(await rowsOf(dataset)));
  const { weights, offset } = fitLogistic(known, others);
  const options = { offset, ...Object.fromEntries(weights.map((weight, index) => [`weight${index + 1}`, weight])) };
  const combined = labelledPart(combinedScore, options, combinedModel(classifier, parts, weights, offset));
  return fittedTo(combined, id, run.normalization);
}

/** Inputs are the classifier's tensors by their own names, as the parts may read several. */
function combinedModel(
  classifier: Classifier,
  parts: readonly ScorePart[],
  weights: readonly number[],
  offset: number,
): Model {
  const graph = new GraphBuilder(Math.max(minimumOpset, ...parts.map(({ model }) => model.opset)));
  const terms = parts.map(
    (_, index): Expr => mul(graph.input(`score${index + 1}`, "float32", ["N"]), weights[index] as number),
  );
  const sum = graph.build({
    [scoreOutput]: add(
      terms.reduce((a, b) => add(a, b)),
      offset,
    ),
  });
  const inputs = new Map<string, ValueInfo>();
  const additions = parts.map((part, index) => {
    const renamed = part.model.graph.inputs.map(
      (input) => [input, tensorOfInput(input.name, classifier, part)] as const,
    );
    for (const [input, tensor] of renamed) inputs.set(tensor, { ...input, name: tensor });
    return {
      graph: part.model.graph,
      inputs: Object.fromEntries(renamed.map(([{ name }, tensor]) => [name, tensor])),
      outputs: { [scoreOutput]: `score${index + 1}` },
      prefix: `part${index + 1}/`,
    };
  });
  const empty: Model = {
    ...graph.model({}, combinedScore),
    graph: { name: combinedScore, inputs: [], outputs: [], nodes: [], initializers: new Map() },
  };
  const scoreInputs = Object.fromEntries(parts.map((_, index) => [`score${index + 1}`, `score${index + 1}`]));
  const whole = append(empty, [
    ...additions,
    { graph: sum, inputs: scoreInputs, outputs: { [scoreOutput]: scoreOutput }, prefix: "sum/" },
  ]);
  const outputs = whole.graph.outputs.filter(({ name }) => name === scoreOutput);
  return { ...whole, graph: { ...whole.graph, inputs: [...inputs.values()], outputs } };
}
