import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { append } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { readModel } from "../onnx/index.js";
import { first, matMul, mul, relu, reshape } from "../ops/index.js";
import { asClassifier, logitsModel } from "../training/classifier.js";
import { dropoutEnsemble } from "./dropout-ensemble.js";
import { featuresExpression, findFeatures } from "./features.js";

const path = fileURLToPath(new URL("../../test/fixtures/parity/densenet-tiny.onnx", import.meta.url));
const images = 3;

function meanOfSoftmaxes(samples: readonly Float32Array[], classes: number): number[] {
  const mean = new Array<number>(images * classes).fill(0);
  for (const logits of samples) {
    for (let row = 0; row < images; row++) {
      const own = Array.from(logits.subarray(row * classes, (row + 1) * classes), Math.exp);
      const total = own.reduce((sum, value) => sum + value, 0);
      own.forEach((value, at) => {
        mean[row * classes + at] = (mean[row * classes + at] as number) + value / total / samples.length;
      });
    }
  }
  return mean;
}

describe("without Dropout nodes", () => {
  test("the masks lie on what goes into the last layer", async () => {
    const classifier = asClassifier(await readModel(path), path);
    const features = findFeatures(classifier, [3, 32, 32]);
    const head = features.head;
    if (head === undefined) throw new Error("no head");
    const options = { samples: 3, rate: 0.4, seed: 5 };
    const model = dropoutEnsemble(classifier, [3, 32, 32], options);
    const input = { [classifier.input]: randomTensor([images, 3, 32, 32], 1) };
    const output = (await runModel(model, input)).get("ensemble_logits")?.data as Float32Array;
    // The same from the features and the masks that the file holds.
    const graph = new GraphBuilder();
    const expression = featuresExpression(graph, "tensor", features);
    const withFeatures = append(logitsModel(classifier), [
      {
        graph: graph.build({ value: expression }),
        inputs: { tensor: features.tensor },
        outputs: { value: "z" },
        prefix: "t/",
      },
    ]);
    const z = (await runModel(withFeatures, input)).get("z")?.data as Float32Array;
    const masks = [1, 2, 3].map((sample) => {
      const mask = model.graph.initializers.get(`sample${sample}/mask of ${features.tensor}`)?.data as Float32Array;
      expect([...new Set(mask)].sort()).toEqual([0, Math.fround(1 / 0.6)]);
      return mask;
    });
    expect(masks[0]).not.toEqual(masks[1]);
    const samples = masks.map((mask) =>
      Float32Array.from({ length: images * head.classes }, (_, at) => {
        const [row, label] = [Math.floor(at / head.classes), at % head.classes];
        let sum = head.bias[label] as number;
        for (let axis = 0; axis < head.dimension; axis++) {
          const masked = (z[row * head.dimension + axis] as number) * (mask[axis] as number);
          sum += masked * (head.weight[label * head.dimension + axis] as number);
        }
        return sum;
      }),
    );
    const found = meanOfSoftmaxes([output], head.classes);
    meanOfSoftmaxes(samples, head.classes).forEach((value, at) => {
      expect(found[at]).toBeCloseTo(value, 5);
    });
    expect(dropoutEnsemble(classifier, [3, 32, 32], options)).toEqual(model);
  });
});

/** relu(x W), Dropout, times V, Dropout, times U. */
function twiceDropped() {
  const graph = new GraphBuilder();
  const x = reshape(graph.input("image", "float32", [2, 1, 2, 3]), [2, 6]);
  const weight = (rows: number, columns: number, seed: number) => graph.constant(randomTensor([rows, columns], seed));
  const drop = (value: typeof x) => first(graph.op("Dropout", [value]));
  const hidden = drop(relu(matMul(x, weight(6, 40, 1))));
  const later = drop(mul(matMul(hidden, weight(40, 30, 2)), 2));
  return asClassifier(graph.model({ logits: matMul(later, weight(30, 4, 3)) }));
}

test("masks take the places of Dropout nodes, one after the other, and what comes before is computed once", async () => {
  const classifier = twiceDropped();
  const model = dropoutEnsemble(classifier, [1, 2, 3], { samples: 2, rate: 0.5, seed: 1 });
  const masks = [...model.graph.initializers].filter(([name]) => name.includes("mask of"));
  expect(masks.map(([, { dims }]) => dims)).toEqual([
    [1, 40],
    [1, 30],
    [1, 40],
    [1, 30],
  ]);
  const products = model.graph.nodes.filter(({ op }) => op === "MatMul").length;
  // The model's three, of which only the first is needed, and two for each sample.
  expect(products).toBe(3 + 2 * 2);
  const rates = masks.map(([, { data }]) => (data as Float32Array).filter((value) => value === 0).length / data.length);
  for (const rate of rates) expect(Math.abs(rate - 0.5)).toBeLessThan(0.35);
  const input = { image: { ...randomTensor([2, 1, 2, 3], 9) } };
  const output = (await runModel(model, input)).get("ensemble_logits")?.data as Float32Array;
  const untouched = (await runModel(logitsModel(classifier), input)).get("logits")?.data as Float32Array;
  expect(output).toHaveLength(untouched.length);
  expect([...output].every(Number.isFinite)).toBe(true);
  expect(output).not.toEqual(untouched);
});

test("rates and numbers of samples out of range are refused", () => {
  const classifier = twiceDropped();
  const make = (options: { samples: number; rate: number }) =>
    dropoutEnsemble(classifier, [1, 2, 3], { seed: 1, ...options });
  expect(() => make({ samples: 4, rate: 1 })).toThrow("dropout: expected a rate in (0, 1), got 1");
  expect(() => make({ samples: 1, rate: 0.5 })).toThrow("dropout: expected two or more samples, got 1");
});
