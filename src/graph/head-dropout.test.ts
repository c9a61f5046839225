import { expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { withConstants } from "../../test/gradients/with-constants.js";
import { tinyNetwork } from "../../test/segmentation/tiny-network.js";
import { ShapeError } from "../errors.js";
import type { Model, Tensor } from "../onnx/types.js";
import { relu } from "../ops/index.js";
import { GraphBuilder } from "./builder.js";
import { withHeadDropout } from "./head-dropout.js";

const image: Tensor = {
  dtype: "float32",
  dims: [2, 3, 12, 16],
  data: Float32Array.from({ length: 2 * 3 * 12 * 16 }, (_, at) => Math.sin(at)),
};
const dropouts = ({ graph }: Model) => graph.nodes.filter(({ op }) => op === "Dropout");

test.each([18, 11])(
  "with opset %i, Dropout comes before the last convolution, and outside training nothing changes",
  async (opset) => {
    const before = { ...tinyNetwork({ outputs: 4 }), opset, imports: new Map([["", opset]]) };
    const after = withHeadDropout(before, 0.25);
    const [dropout, ...others] = dropouts(after);
    expect(others).toEqual([]);
    const last = after.graph.nodes.findLast(({ op }) => op === "Conv");
    expect(last?.inputs[0]).toBe(dropout?.outputs[0]);
    const share = after.graph.initializers.get(dropout?.inputs[1] ?? "")?.data[0] ?? dropout?.attributes.ratio;
    expect(share).toEqual(opset === 18 ? 0.25 : { kind: "float", value: 0.25 });

    const logits = async (model: Model) => (await runModel(model, { image })).get("logits")?.data;
    expect(await logits(after)).toEqual(await logits(before));
    expect(dropouts(before)).toEqual([]);
  },
);

test("a last convolution whose weights are in a Constant node is found", () => {
  const plain = tinyNetwork({ outputs: 4 });
  const after = withHeadDropout(
    withConstants(plain, (_, { dtype }) => dtype === "float32"),
    0.25,
  );
  const last = after.graph.nodes.findLast(({ op }) => op === "Conv");
  expect(last?.inputs[0]).toBe(dropouts(after)[0]?.outputs[0]);
});

test("a second Dropout, and a network without a convolution at its end, are refused", () => {
  const once = withHeadDropout(tinyNetwork({ outputs: 4 }), 0.5);
  expect(() => withHeadDropout(once, 0.5, "net.onnx")).toThrow(ShapeError);
  expect(() => withHeadDropout(once, 0.5, "net.onnx")).toThrow("got one with Dropout");

  const graph = new GraphBuilder();
  const plain = graph.model({ y: relu(graph.input("x", "float32", [1, 2])) });
  expect(() => withHeadDropout(plain, 0.5, "net.onnx")).toThrow("net.onnx");
});
