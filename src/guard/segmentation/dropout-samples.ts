/** Logits of thinned copies of a network, for Monte-Carlo dropout. */
import { createGenerator } from "../../data/index.js";
import { UnsupportedError } from "../../errors.js";
import type { GraphBuilder } from "../../graph/builder.js";
import { importGraph, neededNodes } from "../../graph/import.js";
import type { Node } from "../../onnx/types.js";
import { type Expr, expand, slice } from "../../ops/index.js";
import type { Classifier } from "../../training/classifier.js";
import { dropoutFrom, dropoutNumbers, droppingNodes } from "../../training/dropout.js";
import type { PixelShapes } from "../../training/segmentation/segmenter.js";

/**
 * The part of a network behind its Dropout nodes, once for a batch of copies of one image whose units are dropped each in its own way. What comes before
 * is not computed again. Which units are dropped follows from the seed alone, so that scores can be repeated.
 *
 * @param take     the network's tensor of a name, for one image, as an input of the graph
 * @param samples  copies, ≥ 2
 * @returns logits [samples, K, h, w]
 * @throws UnsupportedError for a network without Dropout nodes
 */
export function dropoutSamples(
  graph: GraphBuilder,
  { upgraded, logits }: Classifier,
  { values }: PixelShapes,
  { samples, seed }: { readonly samples: number; readonly seed: number },
  take: (tensor: string) => Expr,
): Expr {
  const needed = neededNodes(upgraded.graph, { outputs: [logits], bound: new Map() });
  const dropping = droppingNodes(upgraded.graph, new Set(needed));
  if (dropping.size === 0) {
    throw new UnsupportedError({
      where: "score mutual-information",
      expected: "a model with Dropout nodes on the way to its logits",
      received: "one without",
      hint: "export it so that they are kept (training=TrainingMode.PRESERVE in PyTorch)",
    });
  }
  const inputs = frontier(needed, new Set(dropping.keys()), (name) => values.get(name)?.constant === undefined);
  const bound = new Map(
    inputs.map((name) => {
      const single = take(name);
      return [name, expand(single, [samples, ...(single.dims.slice(1) as number[])])] as const;
    }),
  );
  const numbers = graph.constant(dropoutNumbers(samples, dropping.size, createGenerator(seed)));
  const imported = importGraph(graph, upgraded.graph, {
    bound,
    outputs: [logits],
    dropout: dropoutFrom(numbers, dropping),
  });
  return imported.values.get(logits) as Expr;
}

/** One image's logits of each copy. */
export const eachSample = (logits: Expr): Expr[] =>
  Array.from({ length: logits.dims[0] as number }, (_, index) =>
    slice(logits, { axes: [0], starts: [index], ends: [index + 1] }),
  );

/** What the nodes behind the dropping ones, and these themselves, take from the others. */
function frontier(nodes: readonly Node[], dropping: ReadonlySet<Node>, varies: (name: string) => boolean): string[] {
  const behind = new Set<string>();
  const taken = new Set<string>();
  for (const node of nodes) {
    if (!dropping.has(node) && !node.inputs.some((name) => behind.has(name))) continue;
    for (const name of dropping.has(node) ? node.inputs.slice(0, 1) : node.inputs) {
      if (name !== "" && !behind.has(name) && varies(name)) taken.add(name);
    }
    for (const name of node.outputs) behind.add(name);
  }
  return [...taken];
}
