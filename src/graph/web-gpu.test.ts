import { expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { ints } from "../onnx/types.js";
import { first, relu, tensorOf } from "../ops/index.js";
import { GraphBuilder } from "./builder.js";
import { webGpuForms } from "./web-gpu.js";

/** Two convolutions, from `channels` to `inner` to 4. */
function network(channels: number, inner: number) {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [2, channels, 5, 5]);
  const w = graph.input("w", "float32", [inner, channels, 3, 3]);
  const bias = graph.constant(tensorOf(Array.from({ length: inner }, (_, index) => index / 8)));
  const v = graph.input("v", "float32", [4, inner, 3, 3]);
  const pads = { pads: ints([1, 1, 1, 1]) };
  const hidden = relu(first(graph.op("Conv", [x, w, bias], pads)));
  return { graph, outputs: { y: first(graph.op("Conv", [hidden, v], pads)) } };
}

test.each([
  { channels: 6, inner: 8, padded: 1 },
  { channels: 8, inner: 9, padded: 1 },
  { channels: 15, inner: 12, padded: 1 },
  { channels: 3, inner: 8, padded: 0 },
  { channels: 12, inner: 16, padded: 0 },
  { channels: 6, inner: 10, padded: 0 },
])(
  "$channels to $inner to 4 channels: $padded convolutions get channels of zeros, and nothing else changes",
  async (sizes) => {
    const { channels, inner, padded } = sizes;
    const { graph, outputs } = network(channels, inner);
    const built = webGpuForms(graph, outputs);
    const model = built.graph.model(built.outputs);
    // One Pad for the images and one for the weights.
    expect(model.graph.nodes.filter(({ op }) => op === "Pad")).toHaveLength(2 * padded);
    const feeds = {
      x: randomTensor([2, channels, 5, 5], 1),
      w: randomTensor([inner, channels, 3, 3], 2),
      v: randomTensor([4, inner, 3, 3], 3),
    };
    const expected = (await runModel(graph.model(outputs), feeds)).get("y")?.data as Float32Array;
    const found = (await runModel(model, feeds)).get("y")?.data as Float32Array;
    found.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] as number, 3);
    });
  },
);
