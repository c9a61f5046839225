import { expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { createGenerator } from "../data/index.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { importGraph } from "../graph/import.js";
import { createSegmentationModel, segmentationArchitectures } from "../nn/index.js";
import { Network, pytorchDefault } from "../nn/network.js";
import { encodeModel } from "../onnx/index.js";
import type { Node } from "../onnx/types.js";
import { type Expr, filledLike, sum, tensorOf } from "../ops/index.js";
import { LocalEngine } from "../runtime/index.js";
import { dropoutFrom, dropoutNumbers, droppingNodes } from "./dropout.js";
import { planPixels } from "./segmentation/pixel-plan.js";
import { asSegmenter } from "./segmentation/segmenter.js";

const node = (name: string): Node => ({
  ...{ name, op: "Dropout", domain: "", inputs: ["x"], outputs: [name], attributes: {} },
});

/** Masked ones for two nodes: [2 nodes][images * units]. */
async function masks(share: number, images: number, units: number, seed: number) {
  const [first, second] = [node("first"), node("second")];
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [images, units, 1, 1]);
  const numbers = graph.input("numbers", "float32", [images, 2, 2]);
  const drop = dropoutFrom(
    numbers,
    new Map([
      [first, share],
      [second, share],
    ]),
  );
  const ones = filledLike(x, 1);
  const session = await new LocalEngine().load(
    encodeModel(graph.model({ first: drop(first, ones), second: drop(second, ones) })),
  );
  const found = await session.run({ numbers: dropoutNumbers(images, 2, createGenerator(seed)) });
  await session.release();
  return [found.first?.data as Float32Array, found.second?.data as Float32Array] as const;
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test("drops the share asked for, scales what stays, and keeps the mean", async () => {
  const [mask] = await masks(0.3, 200, 500, 1);
  expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  // 100,000 units: a standard error of 0.0014 of the share.
  expect(Math.abs(mean(mask.map((value) => (value === 0 ? 1 : 0))) - 0.3)).toBeLessThan(0.007);
  expect(Math.abs(mean(mask) - 1)).toBeLessThan(0.01);
});

test("units of one image, one unit of two images, and two nodes do not follow each other", async () => {
  const [images, units] = [400, 250];
  const [mask, other] = await masks(0.5, images, units, 2);
  const correlation = (a: (at: number) => number, b: (at: number) => number, count: number) => {
    let sum = 0;
    for (let at = 0; at < count; at++) sum += (a(at) - 1) * (b(at) - 1);
    return sum / count;
  };
  const at = (values: Float32Array, image: number, unit: number) => values[image * units + unit] as number;
  const pairs = images * (units - 1);
  const place = (index: number) => [Math.floor(index / (units - 1)), index % (units - 1)] as const;
  const neighbours = correlation(
    (index) => at(mask, ...place(index)),
    (index) => at(mask, place(index)[0], place(index)[1] + 1),
    pairs,
  );
  const nextImage = correlation(
    (index) => mask[index] as number,
    (index) => mask[index + units] as number,
    (images - 1) * units,
  );
  const nodes = correlation(
    (index) => mask[index] as number,
    (index) => other[index] as number,
    images * units,
  );
  // Masks are 0 or 2, so products of deviations are ±1: a standard error of 0.0032.
  for (const value of [neighbours, nextImage, nodes]) expect(Math.abs(value)).toBeLessThan(0.02);
});

test("the same numbers give the same masks, others give others", async () => {
  const [[one], [again], [other]] = [
    await masks(0.5, 3, 50, 5),
    await masks(0.5, 3, 50, 5),
    await masks(0.5, 3, 50, 6),
  ];
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test("dropout of channels drops a channel of an image whole or not at all, its gradient too, and in use nothing", async () => {
  const [images, channels, height, width] = [40, 25, 3, 4];
  const size = [channels, height, width];
  const network = new GraphBuilder();
  const place = new Network(network, pytorchDefault, createGenerator(1));
  const model = network.model({ y: place.channelDropout("drop", network.input("x", "float32", ["N", ...size]), 0.4) });
  const ones = { dtype: "float32", dims: [images, ...size], data: new Float32Array(images * 300).fill(1) } as const;
  expect((await runModel(model, { x: ones })).get("y")).toEqual(ones);

  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [images, ...size]);
  const numbers = graph.input("numbers", "float32", [images, 1, 2]);
  const dropout = dropoutFrom(numbers, droppingNodes(model.graph, new Set(model.graph.nodes)));
  const y = importGraph(graph, model.graph, { bound: new Map([["x", x]]), outputs: ["y"], dropout }).values.get(
    "y",
  ) as Expr;
  const [slope] = gradients(graph, sum(y), [x]) as [Expr];
  const feeds = { x: ones, numbers: dropoutNumbers(images, 1, createGenerator(3)) };
  const found = await runModel(graph.model({ mask: y, slope }), feeds);
  const mask = found.get("mask")?.data as Float32Array;
  expect(found.get("slope")?.data).toEqual(mask);
  const pixels = height * width;
  const kept = Array.from({ length: images * channels }, (_, channel) => {
    const own = new Set(mask.subarray(channel * pixels, (channel + 1) * pixels));
    expect(own.size).toBe(1);
    return own.has(0) ? 0 : 1;
  });
  // 1,000 channels: a standard error of 0.015.
  expect(Math.abs(mean(kept) - 0.6)).toBeLessThan(0.06);
});

test("the share is that of an initializer or a Constant node, else ONNX's own, and none that is computed", () => {
  const value = { kind: "tensor", value: tensorOf(0.25) } as const;
  const constants: Node[] = [
    { ...node("tensor ratio"), op: "Constant", inputs: [], attributes: { value } },
    { ...node("float ratio"), op: "Constant", inputs: [], attributes: { value_float: { kind: "float", value: 0.75 } } },
    { ...node("computed ratio"), op: "Sqrt" },
  ];
  const initializers = new Map([["stored ratio", tensorOf(0.1)]]);
  const shareOf = (...ratio: string[]) => {
    const dropout = { ...node("y"), inputs: ["x", ...ratio] };
    const graph = { name: "g", nodes: [...constants, dropout], initializers, inputs: [], outputs: [] };
    return droppingNodes(graph, new Set([dropout])).get(dropout);
  };
  expect(shareOf("stored ratio")).toBe(Math.fround(0.1));
  expect(shareOf("tensor ratio")).toBe(0.25);
  expect(shareOf("float ratio")).toBe(0.75);
  expect([shareOf(), shareOf("")]).toEqual([0.5, 0.5]);
  expect(() => shareOf("computed ratio")).toThrow('node "y" (Dropout): expected a constant ratio');
});

test("training finds the two Dropout nodes of WiderResNet-38, which stand before masks of channels", () => {
  const options = { classes: 4, shape: [3, 16, 24], width: 1 / 32 } as const;
  const model = createSegmentationModel(segmentationArchitectures["deeplabv3plus-wrn38"], options, 1);
  const segmenter = asSegmenter(model, options.shape, { classes: 4, abstention: 0 }, 1);
  const { partition } = planPixels(segmenter, options.shape, {
    ...{ train: "all", batchNorm: "batch", trunkStatistics: "frozen" },
  });
  expect([...droppingNodes(segmenter.upgraded.graph, partition.trained).values()]).toEqual([0.3, 0.5].map(Math.fround));
});
