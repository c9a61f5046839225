/** What comes after the features of a classifier. */
import { add, div, type Expr, matMul, mul, relu, sigmoid, slice, sqrt, square, sum, transpose } from "../ops/index.js";
import { heFanIn } from "./initializers.js";
import type { Network } from "./network.js";

export interface HeadOptions {
  /**
   * Units of the last layer after those of the classes, for inputs of no class; default 0. They are an output of their own,
   * `abstention_logits` [N, A], so that the first output stays what every classifier gives.
   */
  readonly abstention?: number;
  /**
   * A second output `projection`, float32 [N, 128]: features → as many units → ReLU → 128, rows of length 1. Default false.
   *
   * Wang et al., "Partial and Asymmetric Contrastive Learning for Out-of-Distribution Detection in Long-Tailed Recognition", ICML 2022.
   */
  readonly projection?: boolean;
  /** The logits of Generalized ODIN instead of a linear layer, see {@link deconfHead}. Default false. */
  readonly deconf?: boolean;
}

/**
 * Outputs of a classifier by name, `logits` first.
 *
 * @param features  float32 [N, D]
 * @param head      name of the linear layer
 */
export function classifierHead(
  net: Network,
  features: Expr,
  { head, classes, abstention = 0, projection = false, deconf = false }: HeadOptions & Layer,
): Record<string, Expr> {
  return {
    ...(deconf
      ? deconfHead(net, features, classes)
      : linearHead(net.linear(head, features, classes + abstention), classes)),
    ...(projection ? { projection: projectionHead(net.at("projection"), features) } : {}),
  };
}

interface Layer {
  readonly head: string;
  readonly classes: number;
}

function linearHead(logits: Expr, classes: number): Record<string, Expr> {
  const units = logits.dims[1] as number;
  if (units === classes) return { logits };
  const part = (from: number, to: number) => slice(logits, { axes: [1], starts: [from], ends: [to] });
  return { logits: part(0, classes), abstention_logits: part(classes, units) };
}

const projectionUnits = 128;

function projectionHead(net: Network, features: Expr): Expr {
  const hidden = relu(net.linear("0", features, features.dims[1] as number));
  const row = net.linear("2", hidden, projectionUnits);
  return div(row, rowLengths(row));
}

/**
 * DeConf-C: `logits` = h / g, both [N, K], with h the cosine between features and one weight per class, an output of its own named `cosine`, and
 * g = sigmoid(BatchNorm(linear(features))) [N, 1]. Their parameters are `h.weight` [K, D], `g.0` and `g.1`; the paper has no weight decay on h.
 *
 * Hsu, Shen, Jin and Kira, "Generalized ODIN: Detecting Out-of-distribution Image without Learning from Out-of-distribution Data", CVPR 2020,
 * eq. 7 to 10; the 1e-4 that keeps lengths from 0 is that of public code.
 */
function deconfHead(net: Network, features: Expr, units: number): { logits: Expr; cosine: Expr } {
  const g = sigmoid(net.batchNorm("g.1", net.linear("g.0", features, 1)));
  const weight = net.parameter("h.weight", [units, features.dims[1] as number], heFanIn);
  const lengths = (x: Expr) => add(rowLengths(x), 1e-4);
  // The weight goes into the product as it is, by which it is recognised as a parameter.
  const products = matMul(features, transpose(weight, [1, 0]));
  const cosine = div(products, mul(lengths(features), transpose(lengths(weight), [1, 0])));
  return { logits: div(cosine, g), cosine };
}

/** Length of each row, [N, D] → [N, 1]. The small number under the root keeps the gradient of a row of zeros finite. */
const rowLengths = (x: Expr): Expr => sqrt(add(sum(square(x), { axes: [1], keep: true }), 1e-24));
