/** Several classifiers as one ONNX model. Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles", NeurIPS 2017. */
import { OptionError, ShapeError } from "../errors.js";
import { append } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { formatDims, type Model } from "../onnx/types.js";
import { add, concat, type Expr, logSoftmax, logSumExp, unsqueeze } from "../ops/index.js";
import { type Classifier, logitsModel, normalizationKey } from "../training/classifier.js";

const meanOutput = "log_mean_probability";

/**
 * One model whose output are the logarithms of the members' mean probabilities,
 *
 *   f(x)_c = log (1/M Σ_m softmax(f_m(x))_c),
 *
 * so that its softmax is their mean, and every score of logits works on it: `msp` and `entropy` are those of the mean.
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
  const tensors = members.map(({ logits }, index) => (index === 0 ? logits : `model${index + 1}/${logits}`));
  const whole = append(
    logitsModel(first),
    others.map((member, index) => ({
      graph: logitsModel(member).graph,
      inputs: { [member.input]: first.input },
      outputs: { [member.logits]: tensors[index + 1] as string },
      prefix: `model${index + 2}/`,
    })),
  );
  return averaged(whole, tensors, classes[0] as number);
}

/** A model with the logarithm of the mean of several softmaxes as its only output. @param logits  tensors of the model, [N, classes] */
export function averaged(model: Model, logits: readonly string[], classes: number): Model {
  const graph = new GraphBuilder(model.opset);
  const inputs = logits.map((_, index) => graph.input(`logits${index + 1}`, "float32", ["N", classes]));
  const whole = append(model, [
    {
      graph: graph.build({ value: logMean(inputs) }),
      inputs: Object.fromEntries(logits.map((tensor, index) => [`logits${index + 1}`, tensor])),
      outputs: { value: meanOutput },
      prefix: "offmap/ensemble/",
    },
  ]);
  const metadata = new Map(model.metadata);
  metadata.set("offmap.ensemble", String(logits.length));
  const outputs = whole.graph.outputs.filter(({ name }) => name === meanOutput);
  return { ...whole, graph: { ...whole.graph, outputs }, metadata };
}

/** log of the mean of the softmaxes, [N, K]. */
function logMean(logits: readonly Expr[]): Expr {
  const stacked = concat(
    logits.map((member) => unsqueeze(logSoftmax(member), [0])),
    0,
  );
  return add(logSumExp(stacked, { axes: [0] }), -Math.log(logits.length));
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
