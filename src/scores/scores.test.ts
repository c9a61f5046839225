import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { OptionError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import type { Dim } from "../onnx/types.js";
import { energy, type ScoreDefinition, type ScoreName, type ScoreOptions, scores } from "./index.js";

interface Case {
  readonly name: string;
  readonly dims: readonly number[];
  readonly logits: readonly number[];
  readonly scores: Readonly<Record<ScoreName, readonly number[]>>;
  readonly energy_at: Readonly<Record<string, readonly number[]>>;
}
// Made by test/reference/scores.py from SciPy in float64.
const reference = JSON.parse(readFileSync(new URL("../../test/reference/scores.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};
/** Scores of logits alone; the others have tests of their own. */
const names = Object.keys(reference.cases[0]?.scores ?? {}) as ScoreName[];

async function evaluate(name: ScoreName, { dims, logits }: Case, options?: ScoreOptions) {
  const builder = new GraphBuilder();
  const x = builder.input("logits", "float32", dims);
  const definition: ScoreDefinition = scores[name];
  const score = definition.expression({ logits: x }, { ...definition.defaults, ...options }, {});
  const data = Float32Array.from(logits);
  const result = (await runModel(builder.model({ score }), { logits: { dtype: "float32", dims, data } })).get("score");
  return { dims: result?.dims, declared: score.dims, values: Array.from(result?.data as Float32Array) };
}

/** Eight float32 roundings of the value, or of the size of the terms it is a difference of. */
function expectClose(values: readonly number[], expected: readonly number[], termSize = 1): void {
  expect(values.length).toBe(expected.length);
  values.forEach((value, index) => {
    const wanted = expected[index] as number;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(8 * 2 ** -24 * Math.max(termSize, Math.abs(wanted)));
  });
}

describe.each(reference.cases)("$name", (example) => {
  test.each(names)("%s equals SciPy's value for each image or pixel", async (name) => {
    const { dims, declared, values } = await evaluate(name, example);
    const expected = [example.dims[0], ...example.dims.slice(2)];
    expect(dims).toEqual(expected);
    expect(declared).toEqual(expected);
    expectClose(values, example.scores[name]);
  });

  test.each(Object.keys(example.energy_at))("energy at temperature %s equals SciPy's", async (temperature) => {
    const { values } = await evaluate("energy", example, { temperature: Number(temperature) });
    expectClose(values, example.energy_at[temperature] as number[], Math.max(1, Number(temperature)));
  });
});

test.each(names)("%s equals SciPy's value of real images' logits to 1e-5", async (name) => {
  const cases = casesOf(name);
  expect(cases).toHaveLength(1);
  for (const stored of cases) await expectReference(scores[name], stored);
});

test("the number of images may stay open", () => {
  for (const name of names) {
    const builder = new GraphBuilder();
    const dims: Dim[] = ["N", 10];
    const { expression, defaults }: ScoreDefinition = scores[name];
    expect(expression({ logits: builder.input("logits", "float32", dims) }, defaults, {}).dims).toEqual(["N"]);
  }
});

test("every score is registered under its own name", () => {
  for (const [name, score] of Object.entries(scores)) expect(score.name).toBe(name);
});

test.each([0, -1, Number.NaN, Infinity])("temperature %s is refused", (temperature) => {
  const logits = new GraphBuilder().input("logits", "float32", [1, 2]);
  expect(() => energy(logits, { temperature })).toThrow(OptionError);
});
