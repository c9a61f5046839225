import { afterAll, describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { encodeModel } from "../onnx/index.js";
import { add, mul, tensorOf } from "../ops/index.js";
import { createEngine, LocalEngine, whyUnavailable } from "./index.js";
import type { Engine } from "./types.js";
import { WorkerEngine } from "./worker-engine.js";

/** y = x + counter; the counter grows by y, in the engine. */
function countingModel() {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [2]);
  const counter = graph.input("counter", "float32", [2]);
  const y = add(x, counter);
  return encodeModel(graph.model({ y, "counter/next": add(counter, y), twice: mul(y, 2) }));
}

const engines: [string, Engine][] = [
  ["in this thread", new LocalEngine()],
  ["in a worker", new WorkerEngine()],
];
afterAll(async () => {
  for (const [, engine] of engines) await engine.close();
});

describe.each(engines)("engine %s", (_, engine) => {
  test("a variable goes round: its update is not returned, and the next run sees it", async () => {
    const session = await engine.load(countingModel(), { updates: { "counter/next": "counter" } });
    await engine.assign({ counter: tensorOf([1, 2]) });
    const first = await session.run({ x: tensorOf([10, 20]) });
    expect(Object.keys(first).sort()).toEqual(["twice", "y"]);
    expect(Array.from(first.y?.data as Float32Array)).toEqual([11, 22]);
    expect(Array.from((await engine.read(["counter"])).counter?.data as Float32Array)).toEqual([12, 24]);
    const second = await session.run({ x: tensorOf([0, 0]) });
    expect(Array.from(second.y?.data as Float32Array)).toEqual([12, 24]);
    await session.release();
  });

  test("assigning copies: the caller's array stays its own", async () => {
    const values = tensorOf([1, 2]);
    await engine.assign({ counter: values });
    (values.data as Float32Array).fill(9);
    expect(Array.from((await engine.read(["counter"])).counter?.data as Float32Array)).toEqual([1, 2]);
  });

  test("an input that was neither fed nor assigned is named", async () => {
    const session = await engine.load(countingModel());
    await expect(session.run({ counter: tensorOf([0, 0]) })).rejects.toThrow(
      'input "x": it was neither fed nor assigned',
    );
    await session.release();
  });

  test("a wrong shape gives ONNX Runtime's reason in one line", async () => {
    const session = await engine.load(countingModel());
    const wrong = session.run({ x: tensorOf([1, 2, 3]), counter: tensorOf([0, 0]) });
    await expect(wrong).rejects.toThrow(/ONNX Runtime failed: .*Got: 3 Expected: 2/);
    await session.release();
  });

  test("bytes that are no model are refused, and the engine goes on", async () => {
    await expect(engine.load(Uint8Array.of(1, 2, 3))).rejects.toThrow("ONNX Runtime refused the model");
    await (await engine.load(countingModel())).release();
  });
});

test("a closed worker refuses instead of waiting for ever", async () => {
  const engine = new WorkerEngine();
  await engine.close();
  await expect(engine.read(["x"])).rejects.toThrow("closed");
});

test("a device that is not there is named with the way out", async () => {
  expect(await whyUnavailable("cpu")).toBeUndefined();
  const reason = await whyUnavailable("cuda");
  if (reason === undefined) return;
  await expect(createEngine({ device: "cuda" })).rejects.toThrow("cuda is not available on this machine");
});
