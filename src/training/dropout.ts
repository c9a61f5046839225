/** Dropout while training. ONNX Runtime's own draws its masks from a hidden state, with which no run could be resumed to the same bits. */
import { createGenerator, type Generator } from "../data/index.js";
import { UnsupportedError } from "../errors.js";
import type { Graph, Node, Tensor } from "../onnx/types.js";
import { add, type Expr, first, greaterOrEqual, indicator, mul, reshape, slice, sub, tensorOf } from "../ops/index.js";

/** The Dropout nodes of a trained part that drop something, with the share they drop. */
export function droppingNodes(graph: Graph, trained: ReadonlySet<Node>): ReadonlyMap<Node, number> {
  const found = new Map<Node, number>();
  for (const node of trained) {
    if (node.op !== "Dropout") continue;
    const share = shareOf(node, graph);
    if (share > 0 && share < 1) found.set(node, share);
  }
  return found;
}

/** A sentence where Dropout was asked for and nothing drops. */
export function unusedDropout(asked: boolean | undefined, graph: Graph, trained: ReadonlySet<Node>): string[] {
  return asked && droppingNodes(graph, trained).size === 0
    ? ["dropout has no effect: what is trained has no Dropout node, which exporters leave out in evaluation mode"]
    : [];
}

/** ONNX's own, of nodes that say nothing. */
const defaultShare = 0.5;

/** @throws UnsupportedError for a share that the graph computes */
function shareOf({ name, inputs }: Node, { initializers, nodes }: Graph): number {
  const [, ratio = ""] = inputs;
  if (ratio === "") return defaultShare;
  const stored = initializers.get(ratio);
  if (stored !== undefined) return Number(stored.data[0]);
  const made = nodes.find(({ op, outputs }) => op === "Constant" && outputs[0] === ratio)?.attributes;
  if (made?.value?.kind === "tensor") return Number(made.value.value.data[0]);
  if (made?.value_float?.kind === "float") return made.value_float.value;
  throw new UnsupportedError({
    where: `node "${name}" (Dropout)`,
    expected: "a constant ratio",
    received: `"${ratio}", which is computed`,
    hint: "train without --dropout",
  });
}

/** Numbers that each image needs for each Dropout node. */
const numbersPerMask = 2;
/** Factors reach this far: with more, too few bits of a float32 would be left for the share. */
const largestFactor = 4096;

/** Random numbers for one update: [rows, nodes, 2], uniform in [1, 4096). */
export function dropoutNumbers(rows: number, nodes: number, generator: Generator): Tensor {
  const draw = () => 1 + (largestFactor - 1) * generator.uniform();
  const data = Float32Array.from({ length: rows * nodes * numbersPerMask }, draw);
  return { dtype: "float32", dims: [rows, nodes, numbersPerMask], data };
}

/**
 * What each Dropout node gives while training: unit i of image n stays where `frac(a_n u_i + b_n w_i) ≥ share`, with u and w drawn once for
 * the node, and a and b anew for every image and update. That makes the units of one image, and one unit in two images, independent in
 * pairs. What stays is divided by the share that stays, so that the mean does not change.
 *
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
 *
 * @param numbers  [N, nodes, 2]; see {@link dropoutNumbers}
 */
export function dropoutFrom(numbers: Expr, nodes: ReadonlyMap<Node, number>): (node: Node, x: Expr) => Expr {
  const order = [...nodes.keys()];
  return (node, x) => {
    const share = nodes.get(node);
    const place = order.indexOf(node);
    if (share === undefined) return x;
    return mul(x, mul(indicator(greaterOrEqual(fraction(x, numbers, place), share)), 1 / (1 - share)));
  };
}

/** Numbers in [0, 1), one for each element of x. */
function fraction(x: Expr, numbers: Expr, place: number): Expr {
  const [rows, ...unit] = x.dims as [number, ...number[]];
  const size = unit.reduce((product, count) => product * count, 1);
  // Any fixed numbers would do; every build of the graph must have the same.
  const generator = createGenerator(place).fork("dropout");
  const table = () => {
    const values = Array.from({ length: size }, () => generator.uniform());
    return x.builder.constant(tensorOf(values, "float32", [1, ...unit]));
  };
  const factor = (which: number) => {
    const at = { axes: [1, 2], starts: [place, which], ends: [place + 1, which + 1] };
    return reshape(slice(numbers, at), [rows, ...unit.map(() => 1)]);
  };
  const position = add(mul(factor(0), table()), mul(factor(1), table()));
  return sub(position, first(x.builder.op("Floor", [position])));
}
