/** Several classifiers as one ONNX model. Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles", NeurIPS 2017. */
import { OptionError, ShapeError } from "../errors.js";
import { append, freeStart } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { formatDims, type Model } from "../onnx/types.js";
import { add, concat, type Expr, logSumExp, mean, sub, unsqueeze } from "../ops/index.js";
import { type Classifier, logitsModel, normalizationKey } from "../training/classifier.js";

const meanOutput = "ensemble_logits";

/**
 * One model whose logits are the logarithms of the members' mean probabilities, raised by the mean of what the members' softmaxes take away,
 *
 *   f(x)_c = log (1/M Σ_m softmax(f_m(x))_c) + 1/M Σ_m logsumexp(f_m(x)),
 *
 * so that its softmax is the mean of theirs, its energy the mean of theirs, and every score of logits works on it.
 *
 * @param members  two or more, of the same input, classes and operator set
 * @param classes  of each
 * @param files    what errors call them
 */
export function ensembleModel(
  members: readonly Classifier[],
  classes: readonly number[],
  files: readonly string[],
): Model {
  const [first, ...others] = members;
  if (first === undefined || others.length === 0) {
    throw new OptionError({ where: "ensemble", expected: "two or more models", received: String(members.length) });
  }
  others.forEach((member, index) => {
    checkAlike(first, member, classes, index + 1, files);
  });
  const prefixes = others.map((_, index) => freeStart(first.upgraded.graph, `model${index + 2}/`));
  const tensors = members.map(({ logits }, index) => (index === 0 ? logits : `${prefixes[index - 1]}${logits}`));
  const whole = append(
    logitsModel(first),
    others.map((member, index) => ({
      graph: logitsModel(member).graph,
      inputs: { [member.input]: first.input },
      outputs: { [member.logits]: tensors[index + 1] as string },
      prefix: prefixes[index] as string,
    })),
  );
  return averaged(whole, tensors, classes[0] as number);
}

/** A model with the logits of the mean of several softmaxes, see {@link ensembleModel}, as its only output. @param logits  tensors of the model, [N, classes] */
export function averaged(model: Model, logits: readonly string[], classes: number): Model {
  const graph = new GraphBuilder(model.opset);
  const inputs = logits.map((_, index) => graph.input(`logits${index + 1}`, "float32", ["N", classes]));
  const output = freeStart(model.graph, meanOutput);
  const whole = append(model, [
    {
      graph: graph.build({ value: meanLogits(inputs) }),
      inputs: Object.fromEntries(logits.map((tensor, index) => [`logits${index + 1}`, tensor])),
      outputs: { value: output },
      prefix: "offmap/ensemble/",
    },
  ]);
  const metadata = new Map(model.metadata);
  metadata.set("offmap.ensemble", String(logits.length));
  const outputs = whole.graph.outputs.filter(({ name }) => name === output);
  return { ...whole, graph: { ...whole.graph, outputs }, metadata };
}

/** [N, K] */
function meanLogits(logits: readonly Expr[]): Expr {
  const stacked = concat(
    logits.map((member) => unsqueeze(member, [0])),
    0,
  );
  const total = logSumExp(stacked, { axes: [2], keep: true });
  const logMean = sub(logSumExp(sub(stacked, total), { axes: [0] }), Math.log(logits.length));
  return add(logMean, mean(total, { axes: [0] }));
}

function checkAlike(
  first: Classifier,
  member: Classifier,
  classes: readonly number[],
  index: number,
  files: readonly string[],
): void {
  const fail = (expected: string, received: string, hint: string) => {
    throw new ShapeError({ where: files[index] ?? `model ${index + 1}`, expected, received, hint });
  };
  if (member.shape.join() !== first.shape.join()) {
    const dims = (shape: Classifier["shape"]) => formatDims(shape.map((size) => size ?? "?"));
    fail(`images ${dims(first.shape)}, as ${files[0]} takes`, dims(member.shape), "export both for one size");
  }
  if (classes[index] !== classes[0]) {
    fail(`${classes[0]} classes, as ${files[0]} has`, String(classes[index]), "combine models of one task");
  }
  if (member.upgraded.opset !== first.upgraded.opset) {
    fail(
      `operator set ${first.upgraded.opset}, as ${files[0]} has`,
      String(member.upgraded.opset),
      "export both with the same opset",
    );
  }
  const normalizations = [first, member].map(({ model }) => model.metadata.get(normalizationKey));
  if (normalizations[0] !== normalizations[1]) {
    fail(
      `pixels normalised by ${normalizations[0] ?? "nothing"}, as ${files[0]} remembers`,
      normalizations[1] ?? "nothing",
      "combine models that take the same pixels",
    );
  }
}
