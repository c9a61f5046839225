import { afterAll, expect, test } from "vitest";
import { testScenes } from "../../../test/reference/segmentation-scores.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { OptionError } from "../../errors.js";
import type { Model, Node, Tensor } from "../../onnx/types.js";
import { LocalEngine } from "../../runtime/index.js";
import { asClassifier } from "../../training/classifier.js";
import { pixelModel } from "./pixel-graph.js";
import { readyPixelPart } from "./pixel-part.js";
import { runScenes } from "./pixel-runner.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

/** The tiny network with a Dropout node of that rate before its last layer. */
function withDropout(rate: number): Model {
  const model = tinyNetwork({ outputs: 4 });
  const { nodes, initializers } = model.graph;
  const last = nodes.find(({ inputs }) => inputs.includes("head.weight")) as Node;
  const dropout: Node = {
    ...{ name: "dropout", op: "Dropout", domain: "", attributes: {} },
    ...{ inputs: [last.inputs[0] as string, "rate"], outputs: ["thinned"] },
  };
  const rewired = nodes.flatMap((node) =>
    node === last ? [dropout, { ...last, inputs: ["thinned", ...last.inputs.slice(1)] }] : [node],
  );
  const graph = {
    ...model.graph,
    nodes: rewired,
    initializers: new Map(initializers).set("rate", { dtype: "float32", dims: [], data: Float32Array.of(rate) }),
  };
  return { ...model, graph };
}

async function mutualInformation(rate: number, options: Readonly<Record<string, number>>): Promise<number[]> {
  const classifier = asClassifier(withDropout(rate));
  const parts = [readyPixelPart("mutual-information", options)];
  const found: number[] = [];
  await runScenes(
    engine,
    classifier,
    testScenes(),
    (shapes, size) => pixelModel(classifier, shapes, { classes: 4, size, parts }),
    {},
    ({ outputs }) => {
      const { data } = outputs["mutual-information"] as Tensor;
      found.push(...(data as Float32Array));
    },
  );
  return found;
}

test("thinned copies disagree the more, the more is dropped, and never by more than log T", async () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [few, many] = [await mutualInformation(0.02, {}), await mutualInformation(0.5, {})];
  expect(mean(many)).toBeGreaterThan(10 * mean(few));
  expect(mean(few)).toBeGreaterThan(0);
  expect(Math.max(...many)).toBeLessThan(Math.log(8));
});

test("the seed decides which units are dropped", async () => {
  const first = await mutualInformation(0.5, { samples: 3, seed: 7 });
  expect(await mutualInformation(0.5, { samples: 3, seed: 7 })).toEqual(first);
  expect(await mutualInformation(0.5, { samples: 3, seed: 8 })).not.toEqual(first);
});

test.each([
  [{ samples: 1 }, "samples to be a whole number ≥ 2, got 1"],
  [{ samples: 2.5 }, "samples to be a whole number ≥ 2, got 2.5"],
  [{ samples: Number.NaN }, "samples to be a whole number ≥ 2, got NaN"],
  [{ seed: -1 }, "seed to be a whole number ≥ 0, got -1"],
  [{ seed: 0.5 }, "seed to be a whole number ≥ 0, got 0.5"],
])("%o is refused before any copy is made", (options, message) => {
  const act = () => readyPixelPart("mutual-information", options);
  expect(act).toThrow(OptionError);
  expect(act).toThrow(`mutual-information score: expected ${message}`);
});

test("two copies, and the seed 0, are allowed", () => {
  expect(readyPixelPart("mutual-information", { samples: 2, seed: 0 }).options).toEqual({ samples: 2, seed: 0 });
});
