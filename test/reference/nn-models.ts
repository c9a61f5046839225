/** The networks that nn.py writes in PyTorch too: narrow ones with parameters that tell every layer apart, for numbers. */
import { architectures, createModel, createSegmentationModel, segmentationArchitectures } from "../../src/nn/index.js";
import type { Model, Tensor } from "../../src/onnx/index.js";

const classes = 7;
const small = { classes, shape: [3, 32, 32] } as const;
const scene = { classes, shape: [3, 36, 44] } as const;
// With which no activation of any of them is so near to 0 that rounding decides whether ReLU passes it.
const seed = 5;

/** By the name under which nn.py knows them. */
export const narrowModels: Readonly<Record<string, () => Model>> = {
  resnet20: () => createModel(architectures.resnet20, { ...small, width: 0.25 }, seed),
  resnet18: () => createModel(architectures.resnet18, { ...small, width: 1 / 16 }, seed),
  resnet34: () => createModel(architectures.resnet34, { ...small, width: 1 / 16 }, seed),
  "wrn-40-2": () => createModel(architectures["wrn-40-2"], { ...small, width: 1 / 8 }, seed),
  "densenet-bc-100-12": () => createModel(architectures["densenet-bc-100-12"], { ...small, width: 1 / 6 }, seed),
  vit: () => createModel(architectures.vit, { ...small, width: 1 / 8 }, seed),
  "resnet18-projection": () =>
    createModel(architectures.resnet18, { ...small, width: 1 / 16, projection: true, abstention: 2 }, seed),
  "resnet18-deconf": () => createModel(architectures.resnet18, { ...small, width: 1 / 16, deconf: true }, seed),
  "deeplabv3plus-small": () =>
    createSegmentationModel(segmentationArchitectures["deeplabv3plus-small"], { ...scene, width: 1 / 8 }, seed),
  "deeplabv3plus-resnet18": () =>
    createSegmentationModel(segmentationArchitectures["deeplabv3plus-resnet18"], { ...scene, width: 1 / 16 }, seed),
  "deeplabv3plus-resnet18-os16": () =>
    createSegmentationModel(
      segmentationArchitectures["deeplabv3plus-resnet18-os16"],
      { ...scene, width: 1 / 16 },
      seed,
    ),
  "deeplabv3plus-resnet50": () =>
    createSegmentationModel(
      segmentationArchitectures["deeplabv3plus-resnet50"],
      { ...scene, width: 1 / 16, abstention: 1 },
      seed,
    ),
  "deeplabv3plus-resnet50-os16": () =>
    createSegmentationModel(
      segmentationArchitectures["deeplabv3plus-resnet50-os16"],
      { ...scene, width: 1 / 16 },
      seed,
    ),
  "deeplabv3plus-wrn38": () =>
    createSegmentationModel(segmentationArchitectures["deeplabv3plus-wrn38"], { ...scene, width: 1 / 32 }, seed),
  espnet: () => createSegmentationModel(segmentationArchitectures.espnet, { ...scene, width: 1 / 2 }, seed),
};

/** For deeplab-step.py: with five classes and an abstention output. */
export const abstainingDeepLab = (): Model =>
  createSegmentationModel(
    segmentationArchitectures["deeplabv3plus-small"],
    { ...scene, classes: 5, width: 1 / 4, abstention: 1 },
    seed,
  );

/** Numbers in [-1, 1) without a pattern that a layer could hide behind; nn.py has the same. */
export const spread = (index: number, period = 211): number => (2 * ((index * 7919 + 13) % period)) / period - 1;

/** A batch of images, [count, ...shape]. */
export function testImages(count: number, shape: readonly number[]): Tensor {
  const dims = [count, ...shape];
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => 2 * spread(index, 2003));
  return { dtype: "float32", dims, data };
}

/**
 * The model with scales, biases, running statistics and slopes that differ from channel to channel: as they start, they are all 0
 * or 1, and a test could not tell them apart.
 */
export function told(model: Model): Model {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of initializers) {
    if (tensor.dims.length !== 1 && name !== "cls_token") continue;
    if (tensor.dtype !== "float32" || name.startsWith("constant_")) continue;
    const shifts = name.endsWith("bias") || name.endsWith("running_mean") || name === "cls_token";
    const data = (tensor.data as Float32Array).map((value, index) => {
      const amount = spread(index + name.length);
      return shifts ? value + 0.2 * amount : value * (1 + 0.5 * amount);
    });
    initializers.set(name, { ...tensor, data });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
