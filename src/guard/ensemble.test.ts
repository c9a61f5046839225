import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { decodeModel, encodeModel, readModel } from "../onnx/index.js";
import { asClassifier, logitsModel } from "../training/classifier.js";
import { ensembleModel } from "./ensemble.js";

const open = async (name: string) => {
  const path = fileURLToPath(new URL(`../../test/fixtures/parity/${name}-tiny.onnx`, import.meta.url));
  return asClassifier(await readModel(path), path);
};
const members = await Promise.all([open("resnet"), open("mobilenetv2"), open("densenet")]);
const files = ["resnet.onnx", "mobilenetv2.onnx", "densenet.onnx"];
const images = 4;
const classes = 10;

test("the softmax of the output is the mean of the members' softmaxes", async () => {
  const input = randomTensor([images, 3, 32, 32], 1);
  const mean = new Float64Array(images * classes);
  for (const member of members) {
    const logits = (await runModel(logitsModel(member), { [member.input]: input })).get(member.logits)
      ?.data as Float32Array;
    for (let row = 0; row < images; row++) {
      const own = Array.from(logits.subarray(row * classes, (row + 1) * classes), Math.exp);
      const total = own.reduce((sum, value) => sum + value, 0);
      own.forEach((value, at) => {
        const place = row * classes + at;
        mean[place] = (mean[place] as number) + value / total / members.length;
      });
    }
  }
  const model = decodeModel(encodeModel(ensembleModel(members, [classes, classes, classes], files)), "ensemble.onnx");
  const found = asClassifier(model);
  const output = (await runModel(model, { [found.input]: input })).get(found.logits)?.data as Float32Array;
  expect(output).toHaveLength(images * classes);
  output.forEach((value, at) => {
    expect(Math.exp(value)).toBeCloseTo(mean[at] as number, 5);
  });
});

test("one model alone, and models of other classes, are refused", () => {
  const [first, second] = members;
  expect(() => ensembleModel([first], [10], files)).toThrow("ensemble: expected two or more models, got 1");
  expect(() => ensembleModel([first, second], [10, 7], files)).toThrow(
    "mobilenetv2.onnx: expected 10 classes, as resnet.onnx has, got 7; combine models of one task",
  );
  const smaller = { ...second, shape: [3, 16, 16] as const };
  expect(() => ensembleModel([first, smaller], [10, 10], files)).toThrow(
    "expected images [3, 32, 32], as resnet.onnx takes, got [3, 16, 16]",
  );
});
