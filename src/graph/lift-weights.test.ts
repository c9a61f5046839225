import { describe, expect, test } from "vitest";
import { withConstants } from "../../test/gradients/with-constants.js";
import { architectures, createModel } from "../nn/index.js";
import type { Model, Node, Tensor } from "../onnx/types.js";
import { asClassifier } from "../training/classifier.js";
import { inspectModel } from "./inspect.js";
import { withLiftedWeights } from "./lift-weights.js";
import { findParameters } from "./parameters.js";

const plain = createModel(architectures.resnet20, { classes: 4, shape: [3, 16, 16], width: 1 / 8 }, 1);

/** All but the zeros that shortcuts are padded with. */
const isWeight = (name: string, { dtype }: Tensor) => dtype === "float32" && !name.startsWith("constant");
const namesOf = (model: Model) => findParameters(model.graph).map(({ name }) => name);

describe("weights in Constant nodes", () => {
  test("are parameters, heads and running statistics as initializers are", () => {
    const model = withConstants(plain, isWeight);
    expect(namesOf(model)).toEqual([]);
    expect(namesOf(withLiftedWeights(model))).toEqual(namesOf(plain));
    expect(inspectModel(model)).toEqual(inspectModel(plain));
    const { graph } = asClassifier(model).model;
    for (const [name, tensor] of plain.graph.initializers) {
      if (isWeight(name, tensor)) expect(graph.initializers.get(name)).toEqual(tensor);
    }
    expect(graph.nodes.filter(({ op }) => op === "Constant")).toEqual([]);
  });

  test("of some layers alone are lifted, and what else is constant stays", () => {
    const model = withConstants(plain, (name) => name === "linear.weight");
    const other: Node = {
      ...{ name: "scale", op: "Constant", domain: "", inputs: [], outputs: ["scale"] },
      attributes: {
        value: { kind: "tensor", value: { dtype: "float32", dims: [4], data: new Float32Array(4).fill(2) } },
      },
    };
    const scaled: Node = {
      ...{ name: "scaled", op: "Mul", domain: "", inputs: ["logits", "scale"], outputs: ["scaled"], attributes: {} },
    };
    const [logits] = model.graph.outputs;
    const graph = {
      ...model.graph,
      nodes: [other, ...model.graph.nodes, scaled],
      outputs: [{ ...logits, name: "scaled" }] as Model["graph"]["outputs"],
    };
    const lifted = withLiftedWeights({ ...model, graph });
    expect(namesOf(lifted)).toEqual(namesOf(plain));
    expect(lifted.graph.nodes.filter(({ op }) => op === "Constant")).toEqual([other]);
  });

  test("a model without them is left as it is", () => {
    expect(withLiftedWeights(plain)).toBe(plain);
  });
});
