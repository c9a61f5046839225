import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { arrayDataset } from "../data/index.js";
import { UnsupportedError } from "../errors.js";
import { append } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { readModel } from "../onnx/index.js";
import { type Dim, int, ints } from "../onnx/types.js";
import { type Expr, first, mean, tensorOf } from "../ops/index.js";
import type { Engine } from "../runtime/index.js";
import { asClassifier, logitsModel } from "../training/classifier.js";
import { featuresExpression, findFeatures } from "./features.js";
import { fitScores } from "./fit-scores.js";

const open = async (name: string) => {
  const folder = name === "all-convolutional" ? "heads" : "parity";
  const path = fileURLToPath(new URL(`../../test/fixtures/${folder}/${name}.onnx`, import.meta.url));
  return asClassifier(await readModel(path), path);
};
const images = arrayDataset({ name: "one image", data: new Uint8Array(3 * 32 * 32), shape: [3, 32, 32] });
/** Fitting scores without a fit must not run the model. */
const noEngine = {
  load: () => {
    throw new Error("the model was run");
  },
} as unknown as Engine;

describe.each([
  "resnet-tiny",
  "wrn-tiny",
  "mobilenetv2-tiny",
  "densenet-tiny",
  "efficientnet-tiny",
  "all-convolutional",
])("%s", (name) => {
  test("the features are the means of the map that was found", async () => {
    const classifier = await open(name);
    const sought = findFeatures(classifier, [3, 32, 32]);
    const { map, tensor, dimension } = sought;
    if (map === undefined) throw new Error("no map");
    const graph = new GraphBuilder();
    const means = mean(graph.input("map", "float32", ["N", dimension, ...map.size]), { axes: [2, 3] });
    const features = featuresExpression(graph, "features", sought);
    const model = append(logitsModel(classifier), [
      {
        graph: graph.build({ means, same: features }),
        inputs: { map: map.tensor, features: tensor },
        outputs: { means: "means", same: "same" },
        prefix: "test/",
      },
    ]);
    const outputs = await runModel(model, { [classifier.input]: randomTensor([2, 3, 32, 32], 1) });
    const [found, expected] = ["means", "same"].map((output) => outputs.get(output)?.data as Float32Array);
    expect(found).toHaveLength(2 * dimension);
    const size = Math.max(...(expected as Float32Array).map(Math.abs));
    found?.forEach((value, at) => {
      expect(Math.abs(value - (expected?.[at] as number)) / size).toBeLessThan(1e-6);
    });
  });

  test("RankFeat is made without a pass over images", async () => {
    const [part] = await fitScores(noEngine, await open(name), images, ["rankfeat"]);
    expect(part?.model.graph.inputs.map((input) => input.name)).toEqual(["map"]);
  });
});

test.each([
  ["vgg-tiny", "MaxPool"],
  ["convnext-tiny", "LayerNormalization"],
  ["vit-tiny", "Gather"],
  ["vit-tiny-folded", "Gather"],
])("%s has no such map, as its features come from %s", async (name, source) => {
  const classifier = await open(name);
  expect(findFeatures(classifier, [3, 32, 32]).map).toBeUndefined();
  const fitting = fitScores(noEngine, classifier, images, ["rankfeat"]);
  await expect(fitting).rejects.toThrow(UnsupportedError);
  await expect(fitting).rejects.toThrow(
    /^score rankfeat: expected a model whose last linear layer takes the means of a tensor \[N, C, H, W\] over its positions, got features/,
  );
  await expect(fitting).rejects.toThrow(`from ${source}; use a score of features without positions`);
  const left: string[] = [];
  const onRefusal = (score: string) => left.push(score);
  const parts = await fitScores(noEngine, classifier, images, ["energy", "rankfeat", "gradnorm"], { onRefusal });
  expect(parts.map(({ score }) => score)).toEqual(["energy", "gradnorm"]);
  expect(left).toEqual(["rankfeat"]);
});

/** A classifier whose features are some operator's output of its image [N, 2, 4, 4], flattened. */
function classifierOf(operator: (image: Expr) => Expr) {
  const graph = new GraphBuilder();
  const dims: Dim[] = ["N", 2, 4, 4];
  const flat = first(graph.op("Flatten", [operator(first(graph.op("Relu", [graph.input("image", "float32", dims)])))]));
  const weight = randomTensor([3, flat.dims[1] as number], 1);
  const bias = graph.constant(tensorOf([0, 0, 0]));
  const logits = first(graph.op("Gemm", [flat, graph.constant(weight), bias], { transB: int(1) }));
  return asClassifier(graph.model({ logits }));
}
const pool = (kernel: readonly number[], pads = [0, 0, 0, 0]) =>
  classifierOf((x) => first(x.builder.op("AveragePool", [x], { kernel_shape: ints(kernel), pads: ints(pads) })));

test.each([
  ["an average over all positions", pool([4, 4]), true],
  ["one over negative axes", classifierOf((x) => mean(x, { axes: [-1, -2] })), true],
  ["one over part of the positions", pool([4, 2]), false],
  ["one over as many positions and the padding around them", pool([5, 5], [0, 0, 1, 1]), false],
  ["one over rows alone", classifierOf((x) => mean(x, { axes: [2] })), false],
  ["one over channels", classifierOf((x) => mean(x, { axes: [1] })), false],
])("%s: %#", (_, classifier, isMap) => {
  expect(findFeatures(classifier, [2, 4, 4]).map !== undefined).toBe(isMap);
});
