/** The training step of a segmentation network: from scenes with labels and masks to the loss of all their pixels. */
import type { GraphBuilder } from "../../graph/builder.js";
import type { PixelLossDefinition } from "../../losses/pixels/index.js";
import { pixelCrossEntropy } from "../../losses/pixels/index.js";
import { div, type Expr, mul, slice, sum, tensorOf } from "../../ops/index.js";
import { energy } from "../../scores/index.js";
import { assembleStep, type TrainingStep } from "../step-assembly.js";
import { stepInputs } from "../step-inputs.js";
import { importTrained } from "../step-network.js";
import type { NetworkStepOptions } from "../step-options.js";
import { outlierOutput } from "./outlier-head.js";
import { resizeLogits } from "./resize-logits.js";

/** Inputs of the step besides {@link stepInputs}, whose labels are int64 [N, H, W] here. */
export const pixelInputs = {
  /** float32 [N, H, W]: 1 for pixels of a class. */
  inlier: "offmap.inlier",
  /** float32 [N, H, W]: 1 for outlier pixels. */
  outlier: "offmap.outlier",
} as const;

export interface PixelStepOptions<Options extends object> extends NetworkStepOptions {
  readonly loss: PixelLossDefinition<Options>;
  readonly lossOptions: Options;
  /** K. */
  readonly classes: number;
  /** Share of each class among outlier pixels, [K]. */
  readonly prior: readonly number[];
  /** Scenes in the batch, N. */
  readonly batch: number;
  /** Size of the scenes, which the logits are brought to. */
  readonly height: number;
  readonly width: number;
}

/** The readings are those of a classifier; `regularization` stays empty, as a loss of pixels is one expression. */
export function buildPixelStep<Options extends object>(options: PixelStepOptions<Options>): TrainingStep {
  const { batch, loss: definition, lossOptions, classes, height, width } = options;
  return assembleStep(options, batch, (graph, bound) => {
    const wanted = definition.outlierHead ? [options.logits, outlierOutput] : [options.logits];
    const { values, statistics } = importTrained(graph, options, batch, bound, wanted);
    const output = (name: string) => resizeLogits(values.get(name) as Expr, height, width);
    const masks = maskInputs(graph, [batch, height, width]);
    const all = output(options.logits);
    const channels = (count: number) => slice(all, { axes: [1], starts: [0], ends: [count] });
    const used = classes + (definition.abstentionClasses ?? 0);
    const inputs = { ...masks, classes, prior: graph.constant(tensorOf(options.prior)) };
    const loss = definition.expression(
      {
        ...inputs,
        logits: all.dims[1] === used ? all : channels(used),
        ...(definition.outlierHead && { outlierLogits: output(outlierOutput) }),
      },
      lossOptions,
    );
    const logits = all.dims[1] === classes ? all : channels(classes);
    const map = energy(logits);
    const readings = {
      loss,
      crossEntropy: pixelCrossEntropy({ ...masks, logits }),
      inEnergy: meanWhere(map, masks.inlier),
      outEnergy: meanWhere(map, masks.outlier),
    };
    return { loss, readings, statistics };
  });
}

function maskInputs(graph: GraphBuilder, dims: readonly number[]) {
  return {
    labels: graph.input(stepInputs.labels, "int64", dims),
    inlier: graph.input(pixelInputs.inlier, "float32", dims),
    outlier: graph.input(pixelInputs.outlier, "float32", dims),
  };
}

/** NaN, which `log.csv` leaves empty, where there is no such pixel. */
const meanWhere = (map: Expr, mask: Expr): Expr => div(sum(mul(map, mask)), sum(mask));
