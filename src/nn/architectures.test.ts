// Networks as published: names, shapes, number and spread of the parameters of the full ones, beside PyTorch's own (test/reference/nn.py).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findParameters } from "../graph/index.js";
import { elementCount, type Model } from "../onnx/index.js";
import { architectures, createModel, createSegmentationModel, segmentationArchitectures } from "./index.js";
import { pytorchDefault } from "./network.js";

const file = new URL("../../test/reference/nn.json", import.meta.url);
const stored = JSON.parse(readFileSync(file, "utf8")) as {
  fullOutputs: number;
  /** Rows of name, shape and standard deviation. */
  full: Record<string, { count: number; parameters: string[] }>;
};

const options = { classes: stored.fullOutputs, width: 1 };
const photo = [3, 32, 32] as const;
const scene = [3, 48, 64] as const;

const isClassifier = (name: string): name is keyof typeof architectures => Object.hasOwn(architectures, name);

/** @param empty  leave out the numbers where they are not looked at, half a gigabyte for the largest */
function fullModel(name: string, empty = false): Model {
  const initialization = empty ? { initialization: { ...pytorchDefault, convolution: () => new Float32Array() } } : {};
  if (isClassifier(name))
    return createModel({ ...architectures[name], ...initialization }, { ...options, shape: photo }, 2);
  const network = segmentationArchitectures[name as keyof typeof segmentationArchitectures];
  return createSegmentationModel({ ...network, ...initialization }, { ...options, shape: scene }, 2);
}

const rowOf = (row: string) => {
  const [name, shape, deviation] = row.split(" ") as [string, string, string];
  return { name, dims: shape.split("x").map(Number), deviation: Number(deviation) };
};

describe.each(Object.entries(stored.full))("%s", (name, { count, parameters }) => {
  test("parameters have PyTorch's names and shapes, all of them are found for training, and none is more", () => {
    const found = findParameters(fullModel(name, true).graph).map((each) => [each.name, each.tensor.dims] as const);
    expect(new Map(found)).toEqual(new Map(parameters.map(rowOf).map((row) => [row.name, row.dims])));
    expect(found.reduce((sum, [, dims]) => sum + elementCount(dims), 0)).toBe(count);
  });

  // Forty million draws and more say nothing new.
  test.runIf(count < 20e6)("every parameter starts as spread out as PyTorch's, up to sampling", () => {
    const { initializers } = fullModel(name).graph;
    for (const { name: parameter, dims, deviation } of parameters.map(rowOf)) {
      const values = initializers.get(parameter)?.data as Float32Array;
      const ours = deviationOf(values);
      // Two samples of n normal numbers: the ratio of their deviations is 1 ± √(1/n).
      const sampling = 5 / Math.sqrt(elementCount(dims)) + 1e-4;
      if (deviation === 0) expect(ours, parameter).toBe(0);
      else if (sampling < 1) expect(Math.abs(ours / deviation - 1), parameter).toBeLessThan(sampling);
    }
  });
});

function deviationOf(values: Float32Array): number {
  let [total, squares] = [0, 0];
  for (const value of values) {
    total += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / values.length - (total / values.length) ** 2));
}

test.each([
  // He et al. 2016, table 6, and the public code: 0.27, 0.46, 0.66 and 0.85 million.
  ["resnet20", 269_722],
  ["resnet32", 464_154],
  ["resnet44", 658_586],
  ["resnet56", 853_018],
  // 11.17 and 21.28 million for ten classes, as the code for CIFAR says of itself.
  ["resnet18", 11_173_962],
  ["resnet34", 21_282_122],
  // Zagoruyko and Komodakis 2016: 2.2 million.
  ["wrn-40-2", 2_243_546],
  // Huang et al. 2017, table 2: 0.8 million.
  ["densenet-bc-100-12", 769_162],
] as const)("%s has the published number of parameters for ten classes", (name, count) => {
  const model = createModel(
    { ...architectures[name], initialization: { ...pytorchDefault, convolution: () => new Float32Array() } },
    { classes: 10, width: 1, shape: photo },
    1,
  );
  const found = findParameters(model.graph).reduce((sum, { tensor }) => sum + elementCount(tensor.dims), 0);
  expect(found).toBe(count);
});

test("the final block of DeepLabV3+ on WiderResNet-38 with an abstention class has the 1,296,384 parameters that the paper trains", () => {
  const network = segmentationArchitectures["deeplabv3plus-wrn38"];
  const empty = { ...network, initialization: { ...pytorchDefault, convolution: () => new Float32Array() } };
  const { graph } = createSegmentationModel(empty, { ...options, abstention: 1, shape: scene }, 1);
  const final = findParameters(graph).filter(({ name }) => name.startsWith("final."));
  expect(final.reduce((sum, { tensor }) => sum + elementCount(tensor.dims), 0)).toBe(1_296_384);
});
