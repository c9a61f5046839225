import { expect, test } from "vitest";
import { int, type Node } from "../onnx/index.js";
import { tensorOf } from "../ops/index.js";
import { findLinearHead } from "./linear-head.js";

const node = (op: string, inputs: string[], output: string, attributes: Node["attributes"] = {}): Node => ({
  ...{ name: output, op, domain: "", inputs, outputs: [output], attributes },
});
const head = (nodes: Node[], dims?: readonly (string | number)[]) =>
  findLinearHead(
    {
      ...{ name: "", inputs: [], outputs: [], nodes },
      initializers: new Map([
        ["W", tensorOf([1, 2, 3, 4, 5, 6], "float32", [3, 2])],
        ["B", tensorOf([10, 20, 30], "float32", [3])],
        ["wide", tensorOf([10, 20, 30], "float32", [1, 3])],
      ]),
    },
    "logits",
    () => dims,
  );
const transB = { transB: int(1) };

test("a bias is the layer's own, none, or one that is computed, with which there is no head to tell of", () => {
  const bias = (nodes: Node[]) => Array.from(head(nodes)?.bias ?? []);
  expect(bias([node("Gemm", ["f", "W", "B"], "logits", transB)])).toEqual([10, 20, 30]);
  expect(bias([node("Gemm", ["f", "W"], "logits", transB)])).toEqual([0, 0, 0]);
  expect(bias([node("Gemm", ["f", "W", ""], "logits", transB)])).toEqual([0, 0, 0]);
  const computed = [node("Squeeze", ["wide"], "b"), node("Gemm", ["f", "W", "b"], "logits", transB)];
  expect(head(computed)).toBeUndefined();
});

test("of a product over further axes there is no head: the second axis is none of features", () => {
  const product = [node("Transpose", ["W"], "Wt"), node("MatMul", ["f", "Wt"], "logits")];
  expect(head(product, ["N", 2])?.dimension).toBe(2);
  expect(head(product, ["N", 1, 2])).toBeUndefined();
  expect(head(product, ["N", 1, 1, 2])).toBeUndefined();
});
