import { describe, expect, test } from "vitest";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { ShapeError } from "../../errors.js";
import { GraphBuilder } from "../../graph/builder.js";
import { abstentionKey, architectures, createModel } from "../../nn/index.js";
import type { Model } from "../../onnx/types.js";
import { add, mul, tensorOf } from "../../ops/index.js";
import { classNamesKey } from "../classifier.js";
import { selectPixelParameters } from "./pixel-plan.js";
import { asSegmenter, inferPixelShapes, taskOf } from "./segmenter.js";

const shape = [3, 12, 16] as const;
const weight = (model: Model) => model.graph.initializers.get("head.weight");

describe("asSegmenter", () => {
  test("takes a model with outputs for every class and abstention as it is", () => {
    const model = tinyNetwork({ outputs: 5 });
    const segmenter = asSegmenter(model, shape, { classes: 4, abstention: 1 }, 1);
    expect(segmenter.model.graph).toBe(model.graph);
    expect(segmenter.model.metadata.get(abstentionKey)).toBe("1");
    expect(asSegmenter(model, shape, { classes: 5, abstention: 0 }, 1).model).toBe(model);
  });

  test("takes no class that the model remembers for an output to abstain with", () => {
    const names = JSON.stringify(["a", "b", "c", "d", "e"]);
    const model = { ...tinyNetwork({ outputs: 5 }), metadata: new Map([[classNamesKey, names]]) };
    const labels = { classNames: ["a", "b", "c", "d"] };
    expect(() => asSegmenter(model, shape, { classes: 4, abstention: 1, labels }, 1)).toThrow(
      'expected a network of the 4 classes of the labels, for a loss that adds an output to abstain with, got one that has learnt "e" too',
    );
    expect(asSegmenter(model, shape, { classes: 4, abstention: 0, labels }, 1).classes).toBe(4);
  });

  test("leaves out outputs beyond those of the classes, as ESPNet has for void", () => {
    const model = tinyNetwork({ outputs: 12 });
    expect(asSegmenter(model, shape, { classes: 4, abstention: 0 }, 1)).toMatchObject({ model, classes: 4 });
  });

  test("widens a model that has none to abstain with, the same for the same seed", () => {
    const model = tinyNetwork({ outputs: 4 });
    const wide = (seed: number) => asSegmenter(model, shape, { classes: 4, abstention: 1 }, seed);
    expect(inferPixelShapes(wide(1), shape)).toMatchObject({ outputs: 5, height: 6, width: 8 });
    expect(weight(wide(1).model)).toEqual(weight(wide(1).model));
    expect(weight(wide(1).model)).not.toEqual(weight(wide(2).model));
    expect(wide(1).model.metadata.get(abstentionKey)).toBe("1");
    expect(wide(1).upgraded.graph.initializers.get("head.weight")?.dims).toEqual([5, 6, 1, 1]);
  });

  test("a Softmax at the end is left out", () => {
    const segmenter = asSegmenter(
      tinyNetwork({ outputs: 4, endsInSoftmax: true }),
      shape,
      { classes: 4, abstention: 1 },
      1,
    );
    expect(segmenter.endsInSoftmax).toBe(true);
    expect(inferPixelShapes(segmenter, shape).outputs).toBe(5);
  });

  test.each([
    [0, 'a.onnx, output "logits": expected logits of 6 classes, got 4 channels; the model and the labels'],
    [1, "expected logits of 6 classes, or 1 more for abstaining, got 4 channels"],
  ])("refuses a model with fewer outputs than classes (abstention %i)", (abstention, message) => {
    const act = () => asSegmenter(tinyNetwork({ outputs: 4 }), shape, { classes: 6, abstention }, 1, "a.onnx");
    expect(act).toThrow(ShapeError);
    expect(act).toThrow(message);
  });

  test("says so where what follows the last convolution holds the old number of outputs", () => {
    const tiny = tinyNetwork({ outputs: 4 });
    const scale = tensorOf([1, 2, 3, 4], "float32", [1, 4, 1, 1]);
    const graph = new GraphBuilder();
    const x = graph.input("logits", "float32", ["N", 4, 6, 8]);
    const above = graph.build({ scaled: add(mul(x, graph.constant(scale)), 1) });
    const model = {
      ...tiny,
      graph: {
        ...tiny.graph,
        nodes: [...tiny.graph.nodes, ...above.nodes],
        initializers: new Map([...tiny.graph.initializers, ...above.initializers]),
        outputs: above.outputs,
      },
    };
    expect(() => asSegmenter(model, shape, { classes: 4, abstention: 1 }, 1)).toThrow(
      "what follows the last convolution holds the old number; export the model with more outputs",
    );
  });

  test("refuses a classifier", () => {
    const model = createModel(architectures.resnet20, { classes: 4, shape: [3, 16, 16], width: 1 / 8 }, 1);
    expect(() => asSegmenter(model, [3, 16, 16], { classes: 4, abstention: 0 }, 1)).toThrow(
      "expected logits [2, classes, height, width]",
    );
  });
});

test("the task is told by the rank of the output, inferred where the file says nothing", () => {
  const model = tinyNetwork({ outputs: 4 });
  const [output] = model.graph.outputs;
  const silent = {
    ...model,
    graph: { ...model.graph, outputs: [{ name: output?.name ?? "", dtype: "float32" as const }] },
  };
  expect([taskOf(model), taskOf(silent)]).toEqual(["segmentation", "segmentation"]);
  expect(taskOf(createModel(architectures.resnet20, { classes: 4, shape: [3, 16, 16], width: 1 / 8 }, 1))).toBe(
    "classification",
  );
});

test("the head is the whole final block where names tell of one, else the last layer", () => {
  const named = tinyNetwork({ outputs: 4, head: "module.final.0" }).graph;
  expect(selectPixelParameters(named, "head").map(({ name }) => name)).toEqual([
    "module.final.0.weight",
    "module.final.0.bias",
  ]);
  const plain = tinyNetwork({ outputs: 4 }).graph;
  expect(selectPixelParameters(plain, "head").map(({ name }) => name)).toEqual(["head.weight", "head.bias"]);
});
