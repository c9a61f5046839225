import { afterAll, describe, expect, test } from "vitest";
import { architectures, createModel, type HeadOptions } from "../nn/index.js";
import { encodeModel } from "../onnx/index.js";
import { LocalEngine } from "../runtime/index.js";
import { asClassifier, type Classifier } from "../training/index.js";
import { outputPart } from "./output-part.js";
import { readyPart } from "./score-part.js";
import { scoredModel, scoreName } from "./scored-model.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const network = (head: HeadOptions): Classifier =>
  asClassifier(createModel(architectures.resnet20, { classes: 4, shape: [3, 8, 8], width: 0.25, ...head }, 3));

const images = 5;
const pixels = Float32Array.from({ length: images * 3 * 64 }, (_, index) => Math.sin(index * index) * 2);

/** All outputs of the network with a part on top of it, further ones among them. */
async function outputs(classifier: Classifier, part: ReturnType<typeof outputPart>, further: string) {
  const model = scoredModel(classifier, [part]);
  const extra = classifier.upgraded.graph.outputs.filter(({ name }) => name === further);
  const watched = { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...extra] } };
  const session = await engine.load(encodeModel(watched));
  const values = await session.run({ image: { dtype: "float32", dims: [images, 3, 8, 8], data: pixels.slice() } });
  await session.release();
  const rows = (name: string) => {
    const data = Array.from(values[name]?.data as Float32Array);
    const width = data.length / images;
    return Array.from({ length: images }, (_, row) => data.slice(row * width, (row + 1) * width));
  };
  return { logits: rows("logits"), further: rows(further), score: rows(scoreName(part)).flat() };
}

const softmaxShare = (known: readonly number[], beyond: readonly number[]) => {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + Math.exp(value), 0);
  return sum(beyond) / (sum(known) + sum(beyond));
};

describe("scores of further outputs", () => {
  test("abstention is the probability of all abstention classes together", async () => {
    const classifier = network({ abstention: 3 });
    const found = await outputs(classifier, outputPart("abstention", classifier, 4, undefined), "abstention_logits");
    found.score.forEach((score, row) => {
      expect(score).toBeCloseTo(softmaxShare(found.logits[row] ?? [], found.further[row] ?? []), 6);
    });
    expect(new Set(found.score).size).toBe(images);
  });

  test("calibrated abstention takes the advantage of frequent classes away, and nothing from the outlier class", async () => {
    const classifier = network({ abstention: 1 });
    const counts = [90, 6, 3, 1];
    const part = outputPart("calibrated-abstention", classifier, 4, counts);
    const found = await outputs(classifier, part, "abstention_logits");
    found.score.forEach((score, row) => {
      const adjusted = (found.logits[row] ?? []).map((logit, c) => logit - Math.log((counts[c] as number) / 100));
      expect(score).toBeCloseTo(softmaxShare(adjusted, found.further[row] ?? []), 6);
    });
  });

  test("the cosine score of Generalized ODIN is the largest cosine, turned round", async () => {
    const classifier = network({ deconf: true });
    const found = await outputs(classifier, outputPart("deconf-cosine", classifier, 4, undefined), "cosine");
    found.score.forEach((score, row) => {
      expect(score).toBeCloseTo(-Math.max(...(found.further[row] ?? [])), 6);
      expect(Math.abs(score)).toBeLessThanOrEqual(1);
    });
  });

  test("a network without the output is refused with what to do, and so is a score that lacks class counts", () => {
    expect(() => outputPart("abstention", network({}), 4, undefined)).toThrow(
      'score abstention: expected a network with the output "abstention_logits", got logits; make it by `offmap train --loss eat` or `--loss cocl`',
    );
    expect(() => outputPart("calibrated-abstention", network({ abstention: 1 }), 4, undefined)).toThrow(
      "score calibrated-abstention: expected training images to count classes in, got none",
    );
    expect(() => readyPart("abstention", 4)).toThrow("got one of a further output of the network");
  });
});
