// Numbers by test/reference/training-terms.py (PyTorch, float64).
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GraphBuilder } from "../../graph/builder.js";
import { encodeModel } from "../../onnx/index.js";
import type { Tensor } from "../../onnx/types.js";
import { tensorOf } from "../../ops/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { type OptimizerName, optimizers } from "./index.js";

interface Reference {
  start: number[];
  gradients: number[][];
  rates: number[];
  cases: { optimizer: OptimizerName; weightDecay: number; values: number[][] }[];
}
const { optimizers: reference } = JSON.parse(
  readFileSync(new URL("../../../test/reference/training-terms.json", import.meta.url), "utf8"),
) as { optimizers: Reference };
const { start, gradients, rates, cases } = reference;

test.each(cases)("$optimizer with weight decay $weightDecay walks as PyTorch's", async (c) => {
  const graph = new GraphBuilder();
  const size = [start.length];
  const input = (name: string, dims: readonly number[]) => graph.input(name, "float32", dims);
  const { slots, numbers, next } = optimizers[c.optimizer];
  const numberNames = numbers(1).map((_, place) => `number ${place}`);
  const after = next(
    {
      parameter: input("parameter", size),
      gradient: input("gradient", size),
      state: slots.map((slot) => input(slot, size)),
      learningRate: input("rate", []),
      numbers: numberNames.map((name) => input(name, [])),
    },
    { momentum: 0.9, weightDecay: c.weightDecay },
  );
  const outputs = Object.fromEntries(slots.map((slot, place) => [`${slot}/next`, after.state[place]]));
  const engine = new LocalEngine({ threads: 1 });
  const session = await engine.load(
    encodeModel(graph.model({ "parameter/next": after.parameter, ...outputs } as never)),
  );
  const inputs = new Set(session.inputs.map(({ name }) => name));
  let values: Record<string, Tensor> = Object.fromEntries([
    ["parameter", tensorOf(start)],
    ...slots.map((slot) => [slot, tensorOf(start.map(() => 0))] as const),
  ]);
  for (const [step, expected] of c.values.entries()) {
    const feeds: Record<string, Tensor> = {
      ...values,
      gradient: tensorOf(gradients[step] as number[]),
      rate: tensorOf(rates[step] as number),
      ...Object.fromEntries(numbers(step + 1).map((value, place) => [`number ${place}`, tensorOf(value)])),
    };
    const found = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.has(name))));
    values = Object.fromEntries(Object.entries(found).map(([name, value]) => [name.replace("/next", ""), value]));
    expected.forEach((value, place) => {
      const mine = (values.parameter as Tensor).data[place] as number;
      expect(Math.abs(mine - value), `step ${step}`).toBeLessThan(5e-7 * Math.max(1, Math.abs(value)));
    });
  }
  await session.release();
});
