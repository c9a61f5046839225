/** A second head that tells outlier pixels from inlier pixels, for the losses that train one. */
import { createGenerator } from "../../data/index.js";
import { ShapeError } from "../../errors.js";
import { append } from "../../graph/append.js";
import { GraphBuilder, minimumOpset } from "../../graph/builder.js";
import { extraOutput } from "../../graph/extra-outputs.js";
import type { Parameter } from "../../graph/parameters.js";
import { heFanIn, layerDefault } from "../../nn/initializers.js";
import { Network } from "../../nn/network.js";
import type { Model } from "../../onnx/types.js";
import { relu } from "../../ops/index.js";
import { asClassifier, importWhole } from "../classifier.js";

/** Output of the head, float32 [N, 2, h, w] at the size of the features it looks at: inlier, then outlier. */
export const outlierOutput = extraOutput.outlier;
/** Its parameters have names that begin with this. */
export const outlierHeadPrefix = "final.outlier.";

/**
 * The model with a head BatchNormalization - ReLU - 1x1 convolution on what the first of the given parameters' layers takes, as in DenseHybrid
 * (Grcić, Bevandić and Šegvić, ECCV 2022) and DODH (Bevandić et al., Image and Vision Computing 2022). A model that has the output
 * {@link outlierOutput} already stays as it is.
 *
 * @param block  the parameters of the final block, in the order of the graph
 * @param shape  channels, height and width of the images
 * @param seed   of its starting values
 * @throws ShapeError when the final block does not start from a feature map
 */
export function addOutlierHead(
  model: Model,
  block: readonly Parameter[],
  shape: readonly [number, number, number],
  seed: number,
): Model {
  if (model.graph.outputs.some(({ name }) => name === outlierOutput)) return model;
  const node = block[0]?.node;
  const features = node?.inputs[0] ?? "";
  const value = importWhole(asClassifier(model), shape, [], [features]).values.get(features);
  const [, channels, ...size] = value?.dims ?? [];
  if (value?.dims.length !== 4 || typeof channels !== "number") {
    throw new ShapeError({
      where: `node "${node?.name ?? ""}"`,
      expected: "a feature map [N, C, h, w] that a second head can look at",
      received: value === undefined ? "nothing" : `[${value.dims.join(", ")}]`,
      hint: "choose a loss without an outlier head",
    });
  }
  // These operators are the same in every operator set that Offmap reads.
  const graph = new GraphBuilder(Math.max(minimumOpset, model.opset));
  const generator = createGenerator(seed).fork("outlier head");
  const net = new Network(graph, { convolution: heFanIn, linear: layerDefault }, generator);
  const input = graph.input("features", "float32", ["N", channels, ...size]);
  const logits = net.convolution("conv", relu(net.batchNorm("norm", input)), { channels: 2, kernel: 1, bias: true });
  const head = graph.build({ logits }, "outlier head");
  const addition = {
    // The model may take images of any size.
    graph: { ...head, outputs: head.outputs.map((output) => ({ ...output, dims: ["N", 2, "h", "w"] })) },
    inputs: { features },
    outputs: { logits: outlierOutput },
    prefix: outlierHeadPrefix,
  };
  return append(model, [addition]);
}
