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

test("the softmax of the output is the mean of the members' softmaxes, and its energy that of their energies", async () => {
  const input = randomTensor([images, 3, 32, 32], 1);
  const mean = new Float64Array(images * classes);
  const energies = new Float64Array(images);
  for (const member of members) {
    const logits = (await runModel(logitsModel(member), { [member.input]: input })).get(member.logits)
      ?.data as Float32Array;
    for (let row = 0; row < images; row++) {
      const own = Array.from(logits.subarray(row * classes, (row + 1) * classes), Math.exp);
      const total = own.reduce((sum, value) => sum + value, 0);
      energies[row] = (energies[row] as number) - Math.log(total) / members.length;
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
  energies.forEach((energy, row) => {
    const own = output.subarray(row * classes, (row + 1) * classes);
    const total = own.reduce((sum, value) => sum + Math.exp(value), 0);
    expect(-Math.log(total)).toBeCloseTo(energy, 5);
    own.forEach((value, label) => {
      expect(Math.exp(value) / total).toBeCloseTo(mean[row * classes + label] as number, 5);
    });
  });
  expect(new Set(energies.map((energy) => Math.round(1e3 * energy))).size).toBe(images);
});

test("an ensemble may be a member of another, in any place", async () => {
  const [one, two, three] = members;
  const pair = asClassifier(ensembleModel([one, two], [classes, classes], files));
  const input = randomTensor([images, 3, 32, 32], 1);
  for (const nested of [
    [pair, three],
    [three, pair],
    [pair, pair],
  ] as const) {
    const model = ensembleModel(nested, [classes, classes], files);
    const found = asClassifier(model);
    const output = (await runModel(model, { [found.input]: input })).get(found.logits)?.data as Float32Array;
    expect(output).toHaveLength(images * classes);
  }
  const same = ensembleModel([pair, pair], [classes, classes], files);
  const outputOf = async (model: typeof same) =>
    [...(await runModel(model, { [pair.input]: input })).values()][0]?.data as Float32Array;
  const [once, twice] = [await outputOf(pair.model), await outputOf(same)];
  twice.forEach((value, at) => {
    expect(value).toBeCloseTo(once[at] as number, 5);
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
