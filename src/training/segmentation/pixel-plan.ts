/** What a run on pixels trains: the parameters, the boundary between frozen and trained, and the shapes that cross it. */
import { OptionError } from "../../errors.js";
import { findParameters, matchingParameters, type Parameter, selectParameters } from "../../graph/parameters.js";
import type { Graph, Model } from "../../onnx/types.js";
import { type SplitModel, splitModel } from "../plan.js";
import type { BatchNormMode } from "../step-options.js";
import { outlierHeadPrefix, outlierOutput } from "./outlier-head.js";
import { inferPixelShapes, type Segmenter } from "./segmenter.js";

export interface PixelPlan extends SplitModel {
  readonly segmenter: Segmenter;
  /** Channels, height and width of the images that are trained on. */
  readonly shape: readonly [number, number, number];
  readonly parameters: readonly Parameter[];
}

/**
 * Running statistics of BatchNormalization below the trained parameters: `frozen`, they are used and stay; `moving`, normalised is with those of the
 * batch, and they follow, as when PyTorch trains a few parameters of a network in training mode, which PEBAL and Balanced Energy do.
 */
export type TrunkStatistics = "frozen" | "moving";

export interface PixelPlanOptions {
  /** `head`, `all`, or patterns over parameter names; see {@link selectPixelParameters}. */
  readonly train: string;
  readonly batchNorm: BatchNormMode;
  readonly trunkStatistics: TrunkStatistics;
}

/** @throws OptionError for moving statistics below frozen ones */
export function planPixels(
  segmenter: Segmenter,
  shape: readonly [number, number, number],
  { train, batchNorm, trunkStatistics }: PixelPlanOptions,
): PixelPlan {
  if (trunkStatistics === "moving" && batchNorm === "frozen") {
    throw new OptionError({
      where: "--trunk-statistics moving",
      expected: "--bn batch, as statistics that move below would meet fixed ones above",
      received: "--bn frozen",
    });
  }
  const { upgraded, input, logits } = segmenter;
  const { graph } = upgraded;
  const parameters = selectPixelParameters(graph, train);
  const hasHead = graph.outputs.some(({ name }) => name === outlierOutput);
  const imported = inferPixelShapes(segmenter, shape, parameters, hasHead ? [outlierOutput] : []);
  const names = parameters.map(({ name }) => name);
  const moving = new Set(trunkStatistics === "moving" ? [...names, ...statisticsOf(graph)] : names);
  return { segmenter, shape, parameters, ...splitModel(upgraded, imported, moving, { input, output: logits }) };
}

/** Names that the final block goes by in the networks here, and in PyTorch's files with a module around. */
const finalBlock = "final.*,*.final.*";

/**
 * As {@link selectParameters}, but `head` is the whole final block where the names tell of one: DeepLabV3+'s `final`. An outlier head is trained
 * whatever the selection.
 */
export function selectPixelParameters(graph: Graph, selection: string): Parameter[] {
  const parameters = findParameters(graph);
  const named = selection === "head" ? matchingParameters(parameters, finalBlock) : [];
  const classes = named.filter(({ name }) => !name.startsWith(outlierHeadPrefix));
  const chosen = classes.length > 0 ? classes : selectParameters(graph, selection);
  const beside = matchingParameters(parameters, `${outlierHeadPrefix}*`);
  return [...new Map([...chosen, ...beside].map((parameter) => [parameter.name, parameter])).values()];
}

function statisticsOf({ nodes, initializers }: Model["graph"]): string[] {
  const norms = nodes.filter(({ op }) => op === "BatchNormalization");
  return norms.flatMap(({ inputs }) => inputs.slice(3, 5)).filter((name) => initializers.has(name));
}
