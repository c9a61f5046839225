import { OptionError, UnsupportedError } from "../../errors.js";
import { headLayer } from "../../graph/parameters.js";
import { formatDims, type Graph } from "../../onnx/types.js";
import type { Classifier } from "../../training/classifier.js";
import type { PixelShapes } from "../../training/segmentation/segmenter.js";

export interface PixelFeatures {
  /** Name of the tensor [N, D, h, w]. */
  readonly tensor: string;
  /** D */
  readonly dimension: number;
}

/** Most tensors that an error lists. */
const mostCandidates = 8;

/**
 * The feature map of a segmentation network: what goes into the last layer with weights on the way to the logits, usually a convolution 1x1.
 *
 * @param layer  name of another tensor [N, D, h, w]
 * @throws UnsupportedError when there is no such tensor; it lists tensors that would do
 */
export function findPixelFeatures(
  { upgraded, logits }: Classifier,
  { values }: PixelShapes,
  layer?: string,
): PixelFeatures {
  const tensor = layer ?? headLayer(upgraded.graph)?.inputs[0];
  const isMap = (name: string) => {
    const value = values.get(name);
    return value?.dtype === "float32" && value.constant === undefined && value.dims.length === 4;
  };
  if (tensor !== undefined && isMap(tensor)) return { tensor, dimension: values.get(tensor)?.dims[1] as number };
  const candidates = upgraded.graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== logits && isMap(name))
    .slice(-mostCandidates)
    .map((name) => `${name} ${formatDims(["N", ...(values.get(name)?.dims.slice(1) ?? [])])}`);
  throw new UnsupportedError({
    where: layer === undefined ? "features" : `--layer ${layer}`,
    expected: "a float tensor [N, D, h, w] of the model",
    received: formatDims(tensor === undefined ? undefined : values.get(tensor)?.dims),
    ...(candidates.length === 0 ? {} : { hint: `name one with --layer: ${candidates.join(", ")}` }),
  });
}

/** Layers that {@link findPixelLayers} takes where none are named, that of the features among them. */
const mostLayers = 4;
/** Maps of fewer positions are no maps but means over them. */
const leastPositions = 4;

/**
 * Feature maps of several layers: those that are named, or else the last map of every size on the way to the last layer, up to four of the deepest, and as the last
 * one what {@link findPixelFeatures} finds.
 *
 * @throws OptionError when a single layer is named, or one twice
 * @throws UnsupportedError when a named tensor is not there, or a network has maps of one size only
 */
export function findPixelLayers(
  classifier: Classifier,
  shapes: PixelShapes,
  named: readonly string[] = [],
): PixelFeatures[] {
  if (named.length > 0) {
    if (named.length === new Set(named).size && named.length > 1) {
      return named.map((layer) => findPixelFeatures(classifier, shapes, layer));
    }
    throw new OptionError({
      where: "--layer",
      expected: "at least two different layers for a score of several",
      received: named.join(", "),
    });
  }
  const last = findPixelFeatures(classifier, shapes);
  const sizeOf = (tensor: string) => shapes.values.get(tensor)?.dims.slice(2).join(" ") ?? "";
  const bySize = new Map<string, string>();
  for (const tensor of leadingTo(classifier.upgraded.graph, last.tensor)) {
    const value = shapes.values.get(tensor);
    if (value?.dtype !== "float32" || value.constant !== undefined || value.dims.length !== 4) continue;
    if (sizeOf(tensor) === sizeOf(last.tensor) || positions(value.dims) < leastPositions) continue;
    bySize.delete(sizeOf(tensor));
    bySize.set(sizeOf(tensor), tensor);
  }
  if (bySize.size === 0) {
    throw new UnsupportedError({
      where: "layers",
      expected: "feature maps of at least two sizes",
      received: `one, that of ${last.tensor}`,
      hint: "name the layers, each with a --layer of its own, or use a score of one layer, such as flow-density",
    });
  }
  const found = [...bySize.values()].slice(-(mostLayers - 1));
  return [...found.map((layer) => findPixelFeatures(classifier, shapes, layer)), last];
}

const positions = (dims: readonly unknown[]) => Number(dims[2]) * Number(dims[3]);

/** The outputs of all nodes that a tensor is computed from, in order, itself the last. */
function leadingTo({ nodes }: Graph, tensor: string): string[] {
  const wanted = new Set([tensor]);
  const found: string[] = [];
  for (const { inputs, outputs } of nodes.toReversed()) {
    const own = outputs.filter((name) => wanted.has(name));
    if (own.length === 0) continue;
    found.push(...own);
    for (const name of inputs) wanted.add(name);
  }
  return found.reverse();
}
