import { describe, expect, test } from "vitest";
import { UnsupportedError } from "../errors.js";
import { architectures, createModel } from "../nn/index.js";
import { type Attributes, int, type Model, type Node } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";
import { asClassifier, inferShapes } from "./classifier.js";

const plain = createModel(architectures.resnet20, { classes: 4, shape: [3, 16, 16], width: 1 / 8 }, 1);
const [logits] = plain.graph.outputs as [Model["graph"]["outputs"][number]];

/** The network with further nodes at its end. */
function endingIn(ops: readonly string[]): Model {
  const node = (op: string, input: string, output: string): Node => ({
    ...{ name: output, op, domain: "", outputs: [output] },
    inputs: op === "Reshape" ? [input, "shape"] : [input],
    attributes: op === "Softmax" || op === "LogSoftmax" ? ({ axis: int(1) } satisfies Attributes) : {},
  });
  const names = [logits.name, ...ops.map((op, at) => `${op} ${at}`)];
  const added = ops.map((op, at) => node(op, names[at] as string, names[at + 1] as string));
  const initializers = new Map([...plain.graph.initializers, ["shape", tensorOf([-1, 4], "int64")] as const]);
  const outputs = [{ ...logits, name: names.at(-1) as string }];
  return { ...plain, graph: { ...plain.graph, nodes: [...plain.graph.nodes, ...added], initializers, outputs } };
}

describe("asClassifier", () => {
  test.each([
    [["Softmax"]],
    [["LogSoftmax"]],
    [["Softmax", "Identity"]],
    [["Softmax", "Dropout"]],
    [["LogSoftmax", "Identity", "Dropout", "Identity"]],
  ])("of a model that ends in %j takes what goes into the Softmax", (ops) => {
    const classifier = asClassifier(endingIn(ops));
    expect(classifier).toMatchObject({ logits: logits.name, endsInSoftmax: true });
    expect(inferShapes(classifier, [3, 16, 16]).classes).toBe(4);
  });

  test.each([[["Identity"]], [["Dropout"]], [["Flatten"]], [["Softmax", "Mul"]]])(
    "of a model that ends in %j takes the output, as it has no Softmax or one in its middle",
    (ops) => {
      const model = endingIn(ops);
      const [output] = model.graph.outputs;
      expect(asClassifier(model)).toMatchObject({ logits: output?.name, endsInSoftmax: false });
    },
  );

  test("refuses BatchNormalization in training mode, in which images change each other's scores", () => {
    const nodes = plain.graph.nodes.map((node) =>
      node.op === "BatchNormalization" ? { ...node, attributes: { ...node.attributes, training_mode: int(1) } } : node,
    );
    expect(nodes).not.toEqual(plain.graph.nodes);
    expect(() => asClassifier({ ...plain, graph: { ...plain.graph, nodes } }, "m.onnx")).toThrow(
      /m.onnx, node ".*" \(BatchNormalization\): expected the running statistics.*export the model in evaluation mode/,
    );
  });

  test.each([
    [["Softmax", "Flatten"], "a Softmax with a Flatten after it"],
    [["LogSoftmax", "Reshape"], "a LogSoftmax with a Reshape after it"],
    [["Softmax", "Identity", "Squeeze", "Dropout"], "a Softmax with a Squeeze after it"],
  ])("refuses probabilities whose shape is changed, %j, which would be scored as logits", (ops, received) => {
    const act = () => asClassifier(endingIn(ops), "model.onnx");
    expect(act).toThrow(UnsupportedError);
    expect(act).toThrow(
      `expected logits, or their Softmax as the last step, got ${received}; export the model without its Softmax`,
    );
  });

  test("of an old Softmax over what follows an axis takes what goes into it, though its upgrade changes shapes", () => {
    const model = endingIn(["Softmax"]);
    const outputs = model.graph.outputs.map(({ name, dtype }) => ({ name, dtype }));
    const nodes = model.graph.nodes.filter(({ op }) => op === "Softmax");
    // Axis 1 of four, over which an old Softmax runs together with those after it.
    const inputs = [{ name: logits.name, dtype: "float32", dims: ["N", 3, "H", "W"] } as const];
    const old: Model = {
      ...{ ...model, opset: 11, imports: new Map([["", 11]]) },
      graph: { ...model.graph, nodes, inputs, outputs, initializers: new Map() },
    };
    const classifier = asClassifier(old);
    expect(classifier.upgraded.graph.nodes.at(-1)?.op).toBe("Reshape");
    expect(classifier).toMatchObject({ logits: logits.name, endsInSoftmax: true });
  });
});
