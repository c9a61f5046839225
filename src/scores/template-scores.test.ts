import { describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { DataError, UnsupportedError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import type { Tensor } from "../onnx/types.js";
import { abs, add, logSoftmax, matMul, mean, neg, sum, transposeLast } from "../ops/index.js";
import { fdbdScore } from "./fdbd.js";
import { gradNormScore } from "./grad-norm.js";
import { klMatchingScore } from "./kl-matching.js";
import { sheScore } from "./she.js";
import type { ScoreDefinition } from "./types.js";

const all: ScoreDefinition[] = [sheScore, klMatchingScore, gradNormScore, fdbdScore];

describe.each(all)("$name", (score) => {
  test.each(casesOf(score.name))("equals NumPy's float64 values on real features", async (stored) => {
    await expectReference(score, stored);
  });

  test("the reference has a case of it", () => {
    expect(casesOf(score.name)).not.toHaveLength(0);
  });
});

test.each([sheScore, gradNormScore, fdbdScore])("$name refuses logits alone", ({ expression, name }) => {
  const logits = new GraphBuilder().input("logits", "float32", ["N", 2]);
  expect(() => expression({ logits }, {}, {})).toThrow(UnsupportedError);
  expect(() => expression({ logits }, {}, {})).toThrow(
    `${name} score: expected the features that go into the last layer`,
  );
});

test.each([sheScore, klMatchingScore, fdbdScore])("$name that was not fitted says so", async (score) => {
  await expect(scoreOne(score, { head, z: [1, 2] })).rejects.toThrow(
    /expected "\w+" of its fit, got none; fit the score/,
  );
});

const head = headOf([
  [1, 0],
  [0, 1],
]);
const images = [
  { z: [4, 0], f: [4, 0], y: 0 },
  { z: [2, 2], f: [2, 1], y: 0 },
  { z: [9, 9], f: [5, 0], y: 1 },
  { z: [0, 6], f: [0, 6], y: 1 },
];

test("SHE compares with the mean of the correctly classified images of the predicted class", async () => {
  const fitted = sheScore.fit?.(await fitTo(head, images), {}) ?? {};
  expect(fitted.patterns?.data).toEqual(Float64Array.of(3, 1, 0, 6));
  expect(await scoreOne(sheScore, { head, z: [1, 2], f: [2, 1] }, { fitted })).toBe(-5);
  expect(await scoreOne(sheScore, { head, z: [1, 2], f: [1, 2] }, { fitted })).toBe(-12);
});

test("SHE refuses a class of which no image is classified correctly", async () => {
  const data = await fitTo(head, images.slice(0, 3));
  const fit = () => sheScore.fit?.(data, {});
  expect(fit).toThrow(DataError);
  expect(fit).toThrow(
    "she score: expected a correctly classified image of class 1, got none in the sample that the score is fitted to; " +
      "fit to more images of this class, or use another score",
  );
});

test("KL matching refuses a class that no image is predicted as", async () => {
  const data = await fitTo(head, images.slice(0, 3));
  const fit = () => klMatchingScore.fit?.(data, {});
  expect(fit).toThrow(DataError);
  expect(fit).toThrow("kl-matching score: expected an image that the model predicts as class 1, got none");
});

describe("KL matching", async () => {
  // Softmaxes (¾, ¼) and (¼, ¾); labels do not matter.
  const three = Math.log(3);
  const data = await fitTo(head, [
    { z: [0, 0], f: [three, 0], y: 1 },
    { z: [0, 0], f: [0, three], y: 1 },
  ]);
  const fitted = klMatchingScore.fit?.(data, {}) ?? {};
  const scored = (f: readonly number[]) => scoreOne(klMatchingScore, { head, z: [0, 0], f }, { fitted });

  test("is the divergence from the nearer template", async () => {
    expect(await scored([0, 0])).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6);
    expect(await scored([0, three])).toBeCloseTo(0, 6);
  });

  test("takes 0 log 0 as 0 where a probability underflows", async () => {
    for (const far of [-1e3, -1e30]) expect(await scored([0, far])).toBeCloseTo(Math.log(4 / 3), 6);
  });

  test("stays finite where a class of a template never had any probability", async () => {
    const sharp = await fitTo(head, [
      { z: [0, 0], f: [0, -2000] },
      { z: [0, 0], f: [-2000, 0] },
    ]);
    const sharpFit = klMatchingScore.fit?.(sharp, {}) ?? {};
    const score = (f: readonly number[]) => scoreOne(klMatchingScore, { head, z: [0, 0], f }, { fitted: sharpFit });
    expect(await score([0, -2000])).toBeCloseTo(0, 6);
    expect(await score([0, 0])).toBeGreaterThan(100);
  });
});

test("GradNorm is minus the product of the two norms, and 0 for a uniform prediction", async () => {
  expect(await scoreOne(gradNormScore, { head, z: [1, -2], f: [Math.log(3), 0] })).toBeCloseTo(-1.5, 6);
  expect(await scoreOne(gradNormScore, { head, z: [1, -2], f: [7, 7] })).toBeCloseTo(0, 6);
});

test("GradNorm is what our differentiation says of the last layer's weight", async () => {
  const [rows, columns] = [3, 4];
  const [weight, bias, z] = [randomTensor([rows, columns], 1), randomTensor([rows], 2), randomTensor([1, columns], 3)];
  const graph = new GraphBuilder();
  const w = graph.input("weight", "float32", [rows, columns]);
  const logits = add(matMul(graph.constant(z), transposeLast(w)), graph.constant(bias));
  // KL(u ‖ p) is this less a constant.
  const loss = neg(mean(logSoftmax(logits), { axes: [0, 1] }));
  const [gradient] = gradients(graph, loss, [w]);
  if (gradient === undefined) throw new Error("no gradient");
  const model = graph.model({ logits, norm: sum(abs(gradient), { axes: [0, 1] }) });
  const found = await runModel(model, { weight });
  const numbers = (tensor: Tensor | undefined) => Array.from(tensor?.data as Float32Array);
  const ours = headOf(
    [0, 1, 2].map((row) => numbers(weight).slice(row * columns, (row + 1) * columns)),
    numbers(bias),
  );
  const score = await scoreOne(gradNormScore, { head: ours, z: numbers(z), f: numbers(found.get("logits")) });
  expect(score / -(numbers(found.get("norm"))[0] as number)).toBeCloseTo(1, 6);
});

describe("fDBD", () => {
  const centred = async (rows: readonly (readonly number[])[]) => {
    const threeClasses = headOf(rows);
    return { head: threeClasses, fitted: fdbdScore.fit?.(await fitTo(threeClasses, [{ z: [1, 1] }]), {}) ?? {} };
  };

  test("averages the distances to the boundaries of the other classes only", async () => {
    const { head, fitted } = await centred([
      [0, 0],
      [3, 4],
      [0, 1],
    ]);
    // Boundaries at 5/5 and 2/1; z is 5 away from the mean.
    expect(await scoreOne(fdbdScore, { head, z: [4, 5], f: [10, 5, 8] }, { fitted })).toBeCloseTo(-1.5 / 5, 6);
  });

  test("counts two classes of equal weights as 0", async () => {
    const { head, fitted } = await centred([
      [0, 0],
      [0, 0],
      [0, 1],
    ]);
    expect(await scoreOne(fdbdScore, { head, z: [4, 5], f: [10, 5, 8] }, { fitted })).toBeCloseTo(-1 / 5, 6);
  });

  test("refuses a model of one class", async () => {
    const single = headOf([[1, 1]]);
    const data = await fitTo(single, [{ z: [1, 1] }]);
    expect(() => fdbdScore.fit?.(data, {})).toThrow("fdbd score: expected a model of at least two classes, got 1");
  });
});
