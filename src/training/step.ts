/** The training step of a classifier: from a joined batch of in-distribution images and outliers to the loss. */
import { createGenerator } from "../data/index.js";
import type { GraphBuilder } from "../graph/builder.js";
import { elementCount } from "../onnx/types.js";
import { add, type Expr, largest, mean, mul, oneHot, slice, squeeze, tensorOf } from "../ops/index.js";
import { energy } from "../scores/index.js";
import { fitTerm } from "./fit-term.js";
import { assembleStep, type TrainingStep } from "./step-assembly.js";
import { stepInputs } from "./step-inputs.js";
import { type NetworkOutputs, rowsOf, runNetwork, type Split } from "./step-network.js";
import type { StepOptions } from "./step-options.js";
import type { Moving } from "./step-updates.js";
import type { Variables } from "./variables.js";

/** The scalar outputs of a step, in the order of `log.csv`; the energies are means over the batch. */
export const stepReadings = ["loss", "crossEntropy", "regularization", "inEnergy", "outEnergy"] as const;
/** `outEnergy` is NaN in a run without outliers. */
export type StepReadings = Record<(typeof stepReadings)[number], number>;

/** The variable that holds the prior, where it moves. */
export const priorVariable = "offmap.prior";
const prototypeVariable = "offmap.prototypes";

export function buildTrainingStep<Options extends object>(options: StepOptions<Options>): TrainingStep {
  return assembleStep(options, rowsOf(options), (graph, bound, variables) => {
    const network = runNetwork(graph, options, bound);
    const beside = prototypes(graph, options, network);
    const cost = totalLoss(graph, options, { ...network, prototypes: beside?.value }, variables);
    return { ...cost, statistics: network.statistics, beside };
  });
}

/** The rows of a matrix that some losses train beside the network: a variable of its own, which no model file gets. */
function prototypes<Options extends object>(
  graph: GraphBuilder,
  { loss, lossOptions, classCounts, seed }: StepOptions<Options>,
  { features }: NetworkOutputs,
): Moving | undefined {
  if (features === undefined || loss.prototypes === undefined) return undefined;
  const dims = [loss.prototypes(classCounts, lossOptions), features.id.dims[1] as number] as const;
  const generator = createGenerator(seed).fork("prototypes");
  const bound = 1 / Math.sqrt(dims[1]);
  const data = Float32Array.from({ length: elementCount(dims) }, () => bound * (2 * generator.uniform() - 1));
  return { value: graph.input(prototypeVariable, "float32", dims), start: { dtype: "float32", dims, data } };
}

/** Cross entropy plus the weighted regularizer, and what `log.csv` shows of them. */
function totalLoss<Options extends object>(
  graph: GraphBuilder,
  { loss: definition, lossOptions, classCounts, ...options }: StepOptions<Options>,
  { logits, allLogits, projections, features, prototypes }: NetworkOutputs & { readonly prototypes: Expr | undefined },
  variables: Variables,
): { loss: Expr; readings: Readonly<Record<string, Expr>> } {
  const images = allLogits.id.dims[0] as number;
  const labels = graph.input(stepInputs.labels, "int64", [images]);
  const mixed = options.mixed && {
    labels: graph.input(stepInputs.partnerLabels, "int64", [images]),
    ownShare: graph.input(stepInputs.ownShare, "float32", [images]),
  };
  const inputs = { logits: allLogits.id, labels, classCounts };
  const crossEntropy = fitTerm({ ...inputs, ...(mixed && { mixed }) }, options.fit ?? {});
  const known = { crossEntropy, inEnergy: mean(energy(logits.id)) };
  const { outliers: outlierLogits } = allLogits;
  if (outlierLogits === undefined) return { loss: crossEntropy, readings: { ...known, loss: crossEntropy } };

  const prior = priorFor(graph, options, outlierLogits, variables);
  const outlierLabels =
    definition.outlierLabels && graph.input(stepInputs.outlierLabels, "int64", [options.outlierBatch]);
  const pasted = allLogits.pasted && {
    logits: allLogits.pasted,
    labels: graph.input(stepInputs.pastedLabels, "int64", [allLogits.pasted.dims[0] as number]),
  };
  const regularization = definition.expression(
    {
      ...inputs,
      outlierLogits,
      prior,
      ...(outlierLabels && { outlierLabels }),
      ...(projections && { projections: knownAndOutliers(projections) }),
      ...(features && { features: knownAndOutliers(features) }),
      ...(prototypes && { prototypes }),
      ...(pasted && { pasted }),
    },
    lossOptions,
  );
  const loss = options.weight === 0 ? crossEntropy : add(crossEntropy, mul(regularization, options.weight));
  const outEnergy = mean(energy(logits.outliers as Expr));
  return { loss, readings: { ...known, loss, regularization, outEnergy } };
}

/**
 * The prior of the outliers: what was measured, or a moving average that follows how the network, as it changes, spreads each batch over
 * its classes.
 */
function priorFor(
  graph: GraphBuilder,
  { prior, priorMomentum }: Pick<StepOptions<object>, "prior" | "priorMomentum">,
  outlierLogits: Expr,
  variables: Variables,
): Expr {
  const measured = tensorOf(prior);
  if (priorMomentum === undefined) return graph.constant(measured);
  const before = graph.input(priorVariable, "float32", measured.dims);
  const classes = slice(outlierLogits, { axes: [1], starts: [0], ends: [prior.length] });
  const chosen = squeeze(largest(classes, 1).indices, [1]);
  const shares = mean(oneHot(chosen, prior.length), { axes: [0] });
  variables.move(priorVariable, measured, add(mul(before, priorMomentum), mul(shares, 1 - priorMomentum)));
  return before;
}

const knownAndOutliers = ({ id, outliers }: Split) => ({ id, outliers: outliers as Expr });
