import { expect, test } from "vitest";
import { acrossModels, comparedDocument } from "./compared-models.js";

const found = [
  { name: "untouched", value: 0.7 },
  { name: "pebal", value: 0.81234 },
  { name: "balanced", value: undefined },
];

test("one number is told, two are before and after, and more have their models beside them", () => {
  expect(acrossModels(found.slice(0, 1))).toBe("is 70.00 %");
  expect(acrossModels(found.slice(0, 2))).toBe("goes from 70.00 % to 81.23 %");
  expect(acrossModels(found)).toBe("is 70.00 % (untouched), 81.23 % (pebal), – % (balanced)");
});

test("the document holds the last model's results, and those before it under their parts", () => {
  const models = ["a", "b", "c"].map((name) => ({ name, path: `${name}.onnx` }));
  const describe = ({ name }: { readonly name: string }) => ({ average: name });
  expect(comparedDocument(models.slice(0, 1), describe)).toEqual({ model: "a.onnx", average: "a" });
  expect(comparedDocument(models, describe)).toEqual({
    ...{ model: "c.onnx", average: "c" },
    baseline: { model: "a.onnx", average: "a" },
    others: [{ model: "b.onnx", average: "b" }],
  });
});
