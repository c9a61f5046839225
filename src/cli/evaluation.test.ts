import { expect, test } from "vitest";
import { modelNames } from "./evaluation.js";

test("models are called as their files, with as many folders as tell them apart", () => {
  expect(modelNames(["a/one.onnx", "a/two.onnx"])).toEqual(["one", "two"]);
  expect(modelNames(["a/model.onnx", "b/model.onnx"])).toEqual(["a/model", "b/model"]);
  expect(modelNames(["a/tuned/model.onnx", "b/tuned/model.onnx"])).toEqual(["a/tuned/model", "b/tuned/model"]);
  expect(() => modelNames(["a/model.onnx", "b/model.onnx", "./a/model.onnx"])).toThrow(
    "--baseline: expected every model once, got ./a/model.onnx twice",
  );
});
