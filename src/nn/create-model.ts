import { createGenerator } from "../data/index.js";
import { OptionError } from "../errors.js";
import { GraphBuilder } from "../graph/index.js";
import type { Model } from "../onnx/types.js";
import type { Expr } from "../ops/index.js";
import { classifierHead, type HeadOptions } from "./heads.js";
import { type Initialization, Network } from "./network.js";
import {
  type Architecture,
  abstentionKey,
  type NetworkOptions,
  type SceneOptions,
  type SegmentationArchitecture,
} from "./types.js";

/**
 * An untrained classifier: input `image` [N, channels, height, width], output `logits` [N, K], and more outputs by {@link HeadOptions}.
 *
 * @param seed  of the starting values: the same seed gives the same bits
 * @throws OptionError for fewer than two classes, a negative number of abstention outputs or a width outside (0, 64]
 */
export function createModel(architecture: Architecture, options: NetworkOptions & HeadOptions, seed: number): Model {
  return build(architecture, options, seed, (net, image) => {
    const features = architecture.features(net, image, options);
    return classifierHead(net, features, { ...options, head: architecture.head });
  });
}

/**
 * An untrained segmentation network: input `image` [N, channels, height, width], output `logits` [N, K, height, width].
 *
 * @param seed  of the starting values: the same seed gives the same bits
 * @throws OptionError for fewer than two classes, a negative number of abstention outputs or a width outside (0, 64]
 */
export function createSegmentationModel(
  architecture: SegmentationArchitecture,
  options: NetworkOptions & SceneOptions,
  seed: number,
): Model {
  const { classes, abstention = 0, width } = options;
  const model = build(architecture, options, seed, (net, image) => ({
    logits: architecture.logits(net, image, { width, outputs: classes + abstention }),
  }));
  return abstention === 0 ? model : { ...model, metadata: new Map([[abstentionKey, String(abstention)]]) };
}

function build(
  { name, initialization }: { readonly name: string; readonly initialization: Initialization },
  options: NetworkOptions & SceneOptions,
  seed: number,
  network: (net: Network, image: Expr) => Record<string, Expr>,
): Model {
  const { classes, shape, width, abstention = 0 } = options;
  if (!Number.isInteger(classes) || classes < 2) {
    throw new OptionError({ where: name, expected: "two or more classes", received: String(classes) });
  }
  if (!Number.isInteger(abstention) || abstention < 0) {
    throw new OptionError({ where: name, expected: "0 or more abstention outputs", received: String(abstention) });
  }
  if (!(width > 0 && width <= 64)) {
    throw new OptionError({ where: "width", expected: "a factor in (0, 64]", received: String(width) });
  }
  const graph = new GraphBuilder();
  const net = new Network(graph, initialization, createGenerator(seed).fork("parameters"));
  const image = graph.input("image", "float32", ["N", ...shape]);
  return graph.model(network(net, image), name);
}
