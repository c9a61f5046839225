/**
 * Reverse-mode differentiation. The walk visits only nodes that lie on a path from a target to the loss, in reverse order of
 * construction (which is a topological order), and asks each operator's rule for the gradients of its inputs.
 */
import { ShapeError, UnsupportedError } from "../errors.js";
import { elementCount, formatDims } from "../onnx/types.js";
import type { Expr } from "../ops/index.js";
import { AttributeReader, add, filledLike, findRule, sameDims, staticDims } from "../ops/index.js";
import type { BuiltNode, CustomRegion, GraphBuilder } from "./builder.js";

/** {@link gradientsWhereReached}, with zeros where the loss does not depend on a target. */
export function gradients(graph: GraphBuilder, loss: Expr, targets: readonly Expr[]): Expr[] {
  const found = gradientsWhereReached(graph, loss, targets);
  return targets.map((target, index) => found[index] ?? filledLike(target, 0));
}

/**
 * Gradients of a loss.
 *
 * @param loss     an expression with exactly one element
 * @param targets  expressions the loss may depend on
 * @returns one expression per target, of its shape; undefined where no gradient of the loss comes to it
 * @throws UnsupportedError when an operator without a gradient rule lies between a target and the loss
 */
export function gradientsWhereReached(graph: GraphBuilder, loss: Expr, targets: readonly Expr[]): (Expr | undefined)[] {
  if (elementCount(staticDims(loss, "loss")) !== 1) {
    throw new ShapeError({ where: "loss", expected: "a single number", received: `shape ${formatDims(loss.dims)}` });
  }
  const nodes = [...graph.nodes];
  const active = activeNames(nodes, targets);
  const total = new Map<string, Expr>([[loss.name, filledLike(loss, 1)]]);

  const accumulate = (input: Expr | undefined, gradient: Expr | undefined, where: string) => {
    if (input === undefined || gradient === undefined || !active.has(input.name)) return;
    if (!sameDims(gradient.dims, input.dims)) {
      throw new ShapeError({
        where: `gradient rule of ${where}`,
        expected: `shape ${formatDims(input.dims)}`,
        received: formatDims(gradient.dims),
      });
    }
    const sofar = total.get(input.name);
    total.set(input.name, sofar === undefined ? gradient : add(sofar, gradient));
  };

  for (const built of nodes.reverse()) {
    const { node, inputs, outputs, custom } = built;
    const reached = (custom?.outputs ?? outputs).some((out) => active.has(out.name) && total.has(out.name));
    if (!reached) continue;
    const where = `node "${node.name}" (${node.op})`;
    if (custom !== undefined) {
      if (!isFirstOf(custom, built)) continue;
      const wanted = custom.inputs.map((x) => active.has(x.name));
      const results = custom.gradient(
        custom.outputs.map((out) => total.get(out.name)),
        wanted,
      );
      custom.inputs.forEach((x, index) => {
        accumulate(x, results[index], where);
      });
      continue;
    }
    const rule = findRule(node.op)?.gradient;
    // Integers, comparisons and steps carry no gradient: what reaches the loss through them is constant almost everywhere.
    if (rule !== undefined && "none" in rule) continue;
    if (rule === undefined || "missing" in rule) {
      throw new UnsupportedError({
        where,
        problem: "the operator has no gradient rule and lies between trained parameters and the loss",
        hint: "freeze below it: use --train head or name only parameters above this node",
      });
    }
    const results = rule({
      op: node.op,
      where,
      builder: graph,
      inputs,
      outputs,
      attributes: new AttributeReader(node.attributes, where),
      outputGradients: outputs.map((out) => total.get(out.name)),
      wanted: inputs.map((x) => x !== undefined && active.has(x.name)),
    });
    inputs.forEach((x, index) => {
      accumulate(x, results[index], where);
    });
  }
  return targets.map((target) => total.get(target.name));
}

/** Names of the values that depend on a target, the targets among them. */
function activeNames(nodes: readonly BuiltNode[], targets: readonly Expr[]): Set<string> {
  const active = new Set(targets.map((target) => target.name));
  const activeRegion = (region: CustomRegion) => region.inputs.some((x) => active.has(x.name));
  for (const { inputs, outputs, custom } of nodes) {
    const depends =
      custom === undefined ? inputs.some((x) => x !== undefined && active.has(x.name)) : activeRegion(custom);
    if (depends) for (const out of outputs) active.add(out.name);
  }
  return active;
}

/** The region is differentiated at its first node: all users of all its outputs come later and have been visited. */
function isFirstOf(region: CustomRegion, built: BuiltNode): boolean {
  return region.outputs[0]?.name === built.outputs[0]?.name;
}
