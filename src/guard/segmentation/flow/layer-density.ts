/** The density of one layer's features: whitening and flow together, as expressions and as tensors in a file. */
import type { Tensor } from "../../../onnx/types.js";
import type { Expr } from "../../../ops/index.js";
import type { Fitted } from "../../../scores/index.js";
import { fittedTensor } from "../../../scores/needed.js";
import { asFlow, type Flow, flowTensors, negativeLogDensity } from "./real-nvp.js";
import { asFeatures, asWhitening, type Whitening, whiten, whiteningTensors } from "./whitening.js";

export interface LayerDensity<Value> {
  readonly whitening: Whitening<Value>;
  readonly flow: Flow<Value>;
}

const nameIn = (layer: number, name: string) => `layer ${layer}/${name}`;

/** The tensors by the names that they have in the file of a score. */
export function fittedDensity({ whitening, flow }: LayerDensity<Tensor>, layer: number): Fitted {
  return Object.fromEntries([
    ...whiteningTensors.map((name) => [nameIn(layer, name), whitening[name]] as const),
    ...flowTensors.map((name) => [nameIn(layer, name), flow[name]] as const),
  ]);
}

/** The tensors as constants beside an expression. */
export function densityConstants({ builder }: Expr, fitted: Fitted, layer: number, score: string): LayerDensity<Expr> {
  const constant = (name: string) => builder.constant(fittedTensor(fitted, nameIn(layer, name), score));
  return { whitening: asWhitening(constant), flow: asFlow(constant) };
}

/**
 * -log p of features, in nats.
 *
 * @param features  float32 [..., D]
 * @returns [...]
 */
export const layerScore = (features: Expr, { whitening, flow }: LayerDensity<Expr>): Expr =>
  asFeatures(negativeLogDensity(whiten(features, whitening), flow), whitening);
