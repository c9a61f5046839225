import { describe, expect, test } from "vitest";
import { encodeModel } from "../onnx/index.js";
import { add, div, type Expr, exp, first, mul, relu, square, sum, tensorOf } from "../ops/index.js";
import { LocalEngine } from "../runtime/local-engine.js";
import { GraphBuilder } from "./builder.js";
import { gradients } from "./differentiate.js";

async function run(graph: GraphBuilder, outputs: Record<string, Expr>, feeds: Record<string, number[]>) {
  const session = await new LocalEngine().load(encodeModel(graph.model(outputs)));
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).map(([name, values]) => [name, tensorOf(values)])),
  );
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
  );
}

describe("gradients", () => {
  test("a value used twice gets the sum of both ways", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    const [dx] = gradients(graph, sum(add(square(x), mul(x, 3))), [x]) as [Expr];
    expect((await run(graph, { dx }, { x: [2, -1] })).dx).toEqual([7, 1]);
  });

  test("a target the loss does not depend on gets zeros of its shape", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    const unused = graph.input("unused", "float32", [3]);
    const [, none] = gradients(graph, sum(x), [x, unused]) as [Expr, Expr];
    expect(none.dims).toEqual([3]);
    expect((await run(graph, { none }, {})).none).toEqual([0, 0, 0]);
  });

  test("nothing is built for what lies below the targets", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [4]);
    const frozen = exp(x);
    const w = graph.input("w", "float32", [4]);
    const loss = sum(mul(frozen, w));
    const before = graph.nodes.length;
    gradients(graph, loss, [w]);
    const added = graph.nodes.slice(before).map(({ node }) => node.op);
    expect(added.filter((op) => op === "Mul")).toHaveLength(1);
  });

  test("a loss of more than one number is refused with its shape", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    expect(() => gradients(graph, x, [x])).toThrow("loss: expected a single number, got shape [2]");
  });

  test("a step function on the way carries no gradient", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    const [dx] = gradients(graph, sum(mul(x, first(graph.op("Floor", [x])))), [x]) as [Expr];
    expect((await run(graph, { dx }, { x: [2.5, -0.5] })).dx).toEqual([2, -1]);
  });
});

describe("hand-written gradients", () => {
  test("replace those of the nodes inside", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    const y = first(
      graph.withGradient(
        [x],
        () => [square(x)],
        ([dy]) => [mul(dy as Expr, 100)],
      ),
    );
    const [dx] = gradients(graph, sum(y), [x]) as [Expr];
    expect((await run(graph, { y, dx }, { x: [2, 3] })).dx).toEqual([100, 100]);
  });

  test("of several outputs are asked once, for whichever outputs the loss uses", async () => {
    for (const used of [[0], [1], [0, 1]]) {
      const graph = new GraphBuilder();
      const x = graph.input("x", "float32", [1]);
      let calls = 0;
      const outputs = graph.withGradient(
        [x],
        () => [mul(x, 2), mul(x, 3)],
        ([da, db]) => {
          calls++;
          const parts = [da && mul(da, 2), db && mul(db, 3)].filter((part) => part !== undefined);
          return [parts.reduce((a, b) => add(a, b))];
        },
      );
      const loss = used.map((index) => sum(outputs[index] as Expr)).reduce((a, b) => add(a, b));
      const [dx] = gradients(graph, loss, [x]) as [Expr];
      const expected = used.reduce((total, index) => total + (index === 0 ? 2 : 3), 0);
      expect((await run(graph, { dx }, {})).dx).toEqual([expected]);
      expect(calls).toBe(1);
    }
  });
});

describe("the builder", () => {
  test("shares equal nodes and tells apart what differs in an attribute or an operand", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    expect(relu(x)).toBe(relu(x));
    expect(add(x, 1)).not.toBe(add(x, 2));
    expect(div(x, 2).name).toBe(div(x, 2).name);
  });

  test("refuses operands of another graph by name", () => {
    const [one, other] = [new GraphBuilder(), new GraphBuilder()];
    const foreign = other.input("foreign", "float32", [2]);
    expect(() => add(one.input("x", "float32", [2]), foreign)).toThrow('tensor "foreign" belongs to another graph');
  });

  test("leaves out what no output needs", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    graph.input("idle", "float32", [2]);
    exp(x);
    const built = graph.build({ y: relu(x) });
    expect(built.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(built.nodes.map(({ op }) => op)).toEqual(["Relu", "Identity"]);
  });

  test("shows both shapes when they do not broadcast", () => {
    const graph = new GraphBuilder();
    const [a, b] = [graph.input("a", "float32", [2, 3]), graph.input("b", "float32", [2, 4])];
    expect(() => add(a, b)).toThrow("expected shapes that broadcast together, got [2, 3] and [2, 4]");
  });

  test("names an operator without a rule, and what to do", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [2]);
    expect(() => graph.op("NonMaxSuppression", [x], {}, { name: "boxes" })).toThrow(
      'node "boxes" (NonMaxSuppression): Offmap has no rule for the operator NonMaxSuppression; docs/operators.md lists those it has',
    );
  });
});
