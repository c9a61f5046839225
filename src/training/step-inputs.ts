/** What a training step is fed, beside the boundary tensors and the variables of the engine. */
import { UnsupportedError } from "../errors.js";
import { extraOutput } from "../graph/extra-outputs.js";
import { headLayer } from "../graph/parameters.js";
import type { LossDefinition } from "../losses/index.js";
import type { Model } from "../onnx/types.js";

/** Names of the step's inputs. A graph has those that its loss and options call for. */
export const stepInputs = {
  /** int64 [N] */
  labels: "offmap.labels",
  /** Scalar. */
  learningRate: "offmap.learning_rate",
  /** float32 [numbers of the optimizer]. */
  optimizerNumbers: "offmap.optimizer_numbers",
  /** int64 [M]: a class for each outlier. */
  outlierLabels: "offmap.outlier_labels",
  /** int64 [Q]: the rare class of each pasted image. */
  pastedLabels: "offmap.pasted_labels",
  /** int64 [N]: classes of the images mixed in. */
  partnerLabels: "offmap.partner_labels",
  /** float32 [N]: share of the image's own class, in [0, 1]. */
  ownShare: "offmap.own_share",
  /** float32 [N + Q + M, nodes, 2]; see `dropout.ts`. */
  dropout: "offmap.dropout",
} as const;

/** Tensors of the model that a loss looks at besides the logits, by name. */
export interface ExtraTensors {
  readonly abstention?: string;
  readonly projection?: string;
  readonly features?: string;
}

const made = "make the network with `offmap train`";

/** @throws UnsupportedError for a model that lacks one of them, or abstains with another number of outputs than the loss */
export function extraTensors<Options extends object>(
  { graph }: Model,
  loss: LossDefinition<Options>,
  options: Options,
): ExtraTensors {
  const where = `loss ${loss.name}`;
  const output = (name: string, width?: number) => {
    const found = graph.outputs.find((one) => one.name === name);
    if (found === undefined) {
      const received = graph.outputs.map(({ name }) => name).join(", ");
      throw new UnsupportedError({ where, expected: `a model with the output "${name}"`, received, hint: made });
    }
    const columns = found.dims?.[1];
    if (width !== undefined && typeof columns === "number" && columns !== width) {
      const hint = `the option abstentionClasses must say what the model has; or ${made}`;
      throw new UnsupportedError({ where, expected: `${width} columns of "${name}"`, received: String(columns), hint });
    }
    return name;
  };
  const abstention = loss.abstentionClasses?.(options) ?? 0;
  const features = loss.usesFeatures ? headLayer(graph)?.inputs[0] : undefined;
  return {
    ...(abstention > 0 && { abstention: output(extraOutput.abstention, abstention) }),
    ...(loss.projects && { projection: output(extraOutput.projection) }),
    ...(features !== undefined && { features }),
  };
}
