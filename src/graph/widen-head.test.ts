import { describe, expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { tinyNetwork } from "../../test/segmentation/tiny-network.js";
import { ShapeError } from "../errors.js";
import { ints, type Model, type Tensor } from "../onnx/types.js";
import { first, relu } from "../ops/index.js";
import { GraphBuilder } from "./builder.js";
import { widenHead } from "./widen-head.js";

const counting = (dims: readonly number[]) =>
  Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => 100 + at);
const values = (model: Model, name: string) => model.graph.initializers.get(name) as Tensor & { data: Float32Array };
const image: Tensor = {
  dtype: "float32",
  dims: [2, 3, 12, 16],
  data: Float32Array.from({ length: 2 * 3 * 12 * 16 }, (_, at) => Math.sin(at)),
};

describe("widenHead", () => {
  test("old rows are copied bit by bit, new ones follow, and new biases are 0", () => {
    const before = tinyNetwork({ outputs: 4 });
    const after = widenHead(before, 2, counting);
    const [old, wide] = [values(before, "head.weight"), values(after, "head.weight")];
    expect(wide.dims).toEqual([6, 6, 1, 1]);
    expect(wide.data.slice(0, 24)).toEqual(old.data);
    expect([...wide.data.slice(24)]).toEqual([...counting([2, 6, 1, 1])]);
    expect([...values(after, "head.bias").data]).toEqual([...values(before, "head.bias").data, 0, 0]);
    expect(after.graph.outputs[0]?.dims?.[1]).toBe(6);
    expect(values(before, "head.weight").dims).toEqual([4, 6, 1, 1]);
  });

  test("the old outputs of the network do not change by a bit", async () => {
    const before = tinyNetwork({ outputs: 4 });
    const [a, b] = (await Promise.all(
      [before, widenHead(before, 1, counting)].map(async (model) => {
        const { data } = (await runModel(model, { image })).get("logits") as Tensor;
        return data as Float32Array;
      }),
    )) as [Float32Array, Float32Array];
    const perImage = (logits: Float32Array, outputs: number, n: number) =>
      logits.slice(n * outputs * 48, n * outputs * 48 + 4 * 48);
    for (const n of [0, 1]) expect(perImage(b, 5, n)).toEqual(perImage(a, 4, n));
  });

  test("a transposed convolution gets its outputs on the second axis", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("image", "float32", ["N", 3, 2, 2]);
    const data = Float32Array.from({ length: 24 }, (_, at) => at);
    const weight = graph.initializer("up.weight", { dtype: "float32", dims: [3, 2, 2, 2], data });
    const attributes = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
    const model = graph.model({ logits: first(graph.op("ConvTranspose", [x, weight], attributes)) });
    const wide = values(widenHead(model, 1, counting), "up.weight");
    expect(wide.dims).toEqual([3, 3, 2, 2]);
    for (const input of [0, 1, 2]) {
      expect([...wide.data.slice(12 * input, 12 * input + 8)]).toEqual([...data.slice(8 * input, 8 * input + 8)]);
      expect(wide.data[12 * input + 8]).toBe(100 + 4 * input);
    }
  });

  test("refuses a model whose last layer is no convolution", () => {
    const graph = new GraphBuilder();
    const model = graph.model({ y: relu(graph.input("image", "float32", ["N", 3, 2, 2])) });
    expect(() => widenHead(model, 1, counting, "a.onnx")).toThrow(ShapeError);
    expect(() => widenHead(model, 1, counting, "a.onnx")).toThrow(/a\.onnx: expected a convolution/);
  });
});
