// Training from nothing against PyTorch in float64, with every loss: narrow networks, a few steps, from the network's own starting values to
// the model that is written. Fixtures by test/parity/scratch_fixtures.py; the large version is test/parity/scratch.py.
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readModel } from "../src/onnx/index.js";
import { type TrainOptions, train } from "../src/training/index.js";

interface Case {
  options: Omit<TrainOptions, "id" | "out">;
  uses: ("outliers" | "prior")[];
  /** Of each step, before its update. */
  losses: number[];
  /** Place of the first number in expected.f32. */
  offset: number;
  /** How far training takes what is stored of the parameters. */
  movement: number;
}

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const index = JSON.parse(readFileSync(fixture("scratch-parity/index.json"), "utf8")) as {
  whole: number;
  stride: number;
  cases: Record<string, Case>;
};
const bytes = readFileSync(fixture("scratch-parity/expected.f32"));
const expected = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const files = {
  outliers: `cifar:${fixture("parity/outliers.bin")}?labels=none`,
  prior: fixture("scratch-parity/prior.json"),
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-scratch-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a run has in the end by name, sorted, as far as the fixture has it: the model's tensors, prototypes and a moving prior. */
async function weightsIn(out: string): Promise<[name: string, values: Float32Array][]> {
  const [model, checkpoint] = await Promise.all(
    ["model.onnx", "checkpoint.onnx"].map(async (file) => [...(await readModel(join(out, file))).graph.initializers]),
  );
  const trained = (model ?? []).filter(([name]) => !name.startsWith("constant"));
  const beside = (checkpoint ?? []).filter(([name]) => /^offmap\.[^/]*$/.test(name));
  return [...trained, ...beside]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { data }]) => {
      const values = data as Float32Array;
      return [name, values.length <= index.whole ? values : values.filter((_, place) => place % index.stride === 0)];
    });
}

async function lossesIn(out: string): Promise<number[]> {
  const [header, ...rows] = (await readFile(join(out, "log.csv"), "utf8")).trim().split("\n");
  const column = header?.split(",").indexOf("loss") ?? -1;
  return rows.map((row) => Number(row.split(",")[column]));
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

test.each(Object.entries(index.cases))("%s: losses and weights are PyTorch's", async (name, c) => {
  const out = join(folder, name);
  const given = Object.fromEntries(c.uses.map((use) => [use, files[use]]));
  await train({ ...c.options, ...given, id: `cifar:${fixture("parity/known.bin")}`, out });

  const losses = await lossesIn(out);
  expect(losses.length).toBe(c.losses.length);
  losses.forEach((loss, step) => {
    expect(Math.abs(loss / (c.losses[step] as number) - 1), `loss of step ${step + 1}`).toBeLessThan(1e-5);
  });
  let [offset, difference] = [c.offset, 0];
  for (const [tensor, values] of await weightsIn(out)) {
    const wanted = expected.subarray(offset, offset + values.length);
    const gap = norm(wanted.map((value, place) => value - (values[place] as number)));
    // Biases start at 0, so of them this is the error of the update.
    expect(gap, tensor).toBeLessThanOrEqual(1e-3 * norm(wanted) + 1e-7);
    if (!tensor.includes("running_")) difference += gap ** 2;
    offset += values.length;
  }
  const next = Math.min(
    ...Object.values(index.cases).flatMap((other) => (other.offset > c.offset ? other.offset : [])),
  );
  expect(offset).toBe(Math.min(next, expected.length));
  // What training did, not what was there before: a weight decay that is off by a tenth makes 4e-4 of the update of the case `ce`.
  expect(Math.sqrt(difference) / c.movement).toBeLessThan(2e-4);
});
