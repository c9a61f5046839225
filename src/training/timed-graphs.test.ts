import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { profileModel } from "../runtime/index.js";
import { train } from "./index.js";
import { stepGraph } from "./timed-graphs.js";
import type { TrainOptions } from "./train-options.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/parity/${name}`, import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-timed-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["classes drawn for outliers", { loss: "open-sampling" }, 10],
  ["two views and a projection", { loss: "pascl" }, 14],
  ["two views, pasted rows and abstention classes", { loss: "eat" }, 18],
  ["prototypes", { loss: "cocl", augment: [] }, 10],
  ["mixtures", { loss: "oe", mixup: 1, labelSmoothing: 0.1, average: 0.9 }, 10],
  ["dropout", { loss: "oe", arch: "wrn-40-2", width: 0.125 }, 10],
  ["a prior that moves", { loss: "balanced-energy", priorMomentum: 0.9, optimizer: "sgd-plain" }, 10],
] as const satisfies readonly (readonly [string, Partial<TrainOptions>, number])[])(
  "the step of a run with %s can be timed, with all of its rows",
  async (name, more, images) => {
    const out = join(folder, name);
    await train({
      ...{ arch: "resnet20", width: 0.25, id: `cifar:${fixture("known.bin")}`, out, steps: 1, batch: 4, holdOut: 0 },
      ...{ outliers: `cifar:${fixture("outliers.bin")}`, outlierBatch: 6, engine: { threads: 1 }, ...more },
    });
    const work = await stepGraph(out);
    expect(work.images).toBe(images);
    for (const { model, feeds } of Object.values(work.parts)) {
      expect((await profileModel(model, feeds, { repeats: 1, threads: 1 })).nodes).not.toEqual([]);
    }
  },
);
