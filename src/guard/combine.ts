/**
 * Several scores as one: their weighted sum, with weights from a logistic regression that tells in-distribution images from OOD ones, or without OOD
 * images the mean of the scores, each standardised over the in-distribution images. With
 * Mahalanobis distances of several layers it is the feature ensemble of Lee et al., NeurIPS 2018, section 2.2, who take the images from the OOD test
 * set, and so know what they will be asked; here they must be others.
 */
import type { ImageDataset } from "../data/index.js";
import { DataError, OptionError } from "../errors.js";
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
 * @param ood    OOD images, of no set that the result is tested on; none: all scores count the same
 * @throws OptionError for fewer than two parts
 * @throws DataError when there are no OOD images, and a score is the same for all in-distribution ones
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
    const { scores } = await scoreDataset(engine, classifier, dataset, columns, { ...run, keepLogits: false });
    return Array.from({ length: dataset.length }, (_, row) =>
      columns.map(({ score }) => scores[score]?.[row] as number),
    );
  };
  const known = await rowsOf(id);
  let others: number[][] = [];
  for (const dataset of ood) others = others.concat(await rowsOf(dataset));
  const { weights, offset } = ood.length === 0 ? evenWeights(known, parts) : fitLogistic(known, others);
  const options = { offset, ...Object.fromEntries(weights.map((weight, index) => [`weight${index + 1}`, weight])) };
  const combined = labelledPart(combinedScore, options, combinedModel(classifier, parts, weights, offset));
  return fittedTo(combined, classifier, id, run.normalization);
}

/** `Σ (s_i - mean_i) / (L·σ_i)` of L scores, as weights and an offset. */
function evenWeights(rows: readonly (readonly number[])[], parts: readonly ScorePart[]) {
  let offset = 0;
  const weights = parts.map(({ score }, index) => {
    const mean = rows.reduce((sum, row) => sum + (row[index] as number), 0) / rows.length;
    const variance = rows.reduce((sum, row) => sum + ((row[index] as number) - mean) ** 2, 0) / rows.length;
    if (variance === 0) {
      throw new DataError({
        where: `score ${index + 1}, ${score}`,
        expected: "numbers that differ from image to image",
        received: `${mean} for all ${rows.length} images of --id`,
      });
    }
    const weight = 1 / (parts.length * Math.sqrt(variance));
    offset -= weight * mean;
    return weight;
  });
  return { weights, offset };
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
