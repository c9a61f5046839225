import { UnsupportedError } from "../../errors.js";
import { headLayer } from "../../graph/parameters.js";
import { formatDims } from "../../onnx/types.js";
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
