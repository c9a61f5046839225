import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { append } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { readModel } from "../onnx/index.js";
import { add, matMul, tensorOf } from "../ops/index.js";
import { asClassifier, logitsModel } from "../training/classifier.js";
import { featuresExpression, findFeatures } from "./features.js";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../test/fixtures/parity/${name}-tiny.onnx`, import.meta.url));
const demo = fileURLToPath(new URL("../../assets/demo/resnet20-cifar10.onnx", import.meta.url));
/** Made by test/reference/heads.py. */
const small = (name: string) => fileURLToPath(new URL(`../../test/fixtures/heads/${name}.onnx`, import.meta.url));
/** Exported by PyTorch; some of them as it exports by default, with BatchNorm folded and weights transposed. */
const architectures: readonly (readonly [string, string])[] = [
  ["ResNet", fixture("resnet")],
  ["Wide ResNet", fixture("wrn")],
  ["MobileNetV2", fixture("mobilenetv2")],
  ["DenseNet", fixture("densenet")],
  ["VGG", fixture("vgg")],
  ["EfficientNet", fixture("efficientnet")],
  ["ConvNeXt", fixture("convnext")],
  ["ViT", fixture("vit")],
  ["ViT, folded", fixture("vit").replace("vit-tiny", "vit-tiny-folded")],
  ["ResNet-20 of the demo", demo],
  ["ShuffleNetV2", small("shufflenetv2")],
  ["MLP-Mixer", small("mlp-mixer")],
  ["GoogLeNet", small("googlenet")],
  ["All-convolutional", small("all-convolutional")],
];
const images = 3;

describe.each(architectures)("%s", (_, path) => {
  test("logits are weight · features + bias of what was found", async () => {
    const classifier = asClassifier(await readModel(path), path);
    const features = findFeatures(classifier, [3, 32, 32]);
    const head = features.head;
    if (head === undefined) throw new Error("no head");
    // On top of the model: its logits once more, from the features.
    const graph = new GraphBuilder();
    const weight = graph.constant(
      tensorOf(transposed(head.weight, head.classes, head.dimension), "float32", [head.dimension, head.classes]),
    );
    const bias = graph.constant(tensorOf(Array.from(head.bias)));
    const again = add(matMul(featuresExpression(graph, "tensor", features), weight), bias);
    const model = append(logitsModel(classifier), [
      {
        graph: graph.build({ again }),
        inputs: { tensor: features.tensor },
        outputs: { again: "again" },
        prefix: "test/",
      },
    ]);
    const outputs = await runModel(model, { [classifier.input]: randomTensor([images, 3, 32, 32], 1) });
    const [logits, recomputed] = [outputs.get(classifier.logits), outputs.get("again")].map(
      (x) => x?.data as Float32Array,
    );
    const size = Math.max(...(logits as Float32Array).map(Math.abs));
    recomputed?.forEach((value, index) => {
      expect(Math.abs(value - (logits?.[index] as number)) / size).toBeLessThan(1e-6);
    });
    expect(recomputed).toHaveLength(images * head.classes);
  });
});

test("a tensor with positions is averaged over them, and has no head", async () => {
  const classifier = asClassifier(await readModel(demo), demo);
  const inner = classifier.upgraded.graph.nodes.filter(({ op }) => op === "Relu").at(-2)?.outputs[0] as string;
  const features = findFeatures(classifier, [3, 32, 32], inner);
  expect(features).toMatchObject({ tensor: inner, hasPositions: true, dimension: 64, classes: 10 });
  expect(features.head).toBeUndefined();
});

test("weights, and tensors that are the same for all images, are no features", async () => {
  const classifier = asClassifier(await readModel(demo), demo);
  expect(() => findFeatures(classifier, [3, 32, 32], "linear.weight")).toThrow(
    "--layer linear.weight: expected a float tensor [N, D] or [N, D, H, W] of the model, got the constant [10, 64], the same for all images",
  );
});

test("a tensor that is not there is refused with those that would do", async () => {
  const classifier = asClassifier(await readModel(demo), demo);
  expect(() => findFeatures(classifier, [3, 32, 32], "nowhere")).toThrow(
    /--layer nowhere: expected a float tensor.*\[N, 64\]/s,
  );
});

test("a network without a linear last layer is refused with tensors that would do, and takes one of them", async () => {
  const path = small("squeezenet");
  const classifier = asClassifier(await readModel(path), path);
  const message = refusal(() => findFeatures(classifier, [3, 32, 32]));
  expect(message).toMatch(
    /^features: expected logits from a linear layer with constant weights, got something else; name one with --layer: /,
  );
  const candidates = [...message.matchAll(/(\S+) \[N, (\d+)(?:, \d+, \d+)?\]/g)];
  expect(candidates.length).toBeGreaterThan(3);
  for (const [, tensor, dimension] of candidates) {
    expect(findFeatures(classifier, [3, 32, 32], tensor)).toMatchObject({ tensor, dimension: Number(dimension) });
  }
});

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

function transposed(values: Float32Array, rows: number, columns: number): number[] {
  return Array.from(
    { length: values.length },
    (_, at) => values[(at % rows) * columns + Math.floor(at / rows)] as number,
  );
}
