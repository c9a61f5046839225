// Tiny graphs through Chromium's software WebGPU. `npm run docs:webgpu` does the same for every operator.
import { afterAll, describe, expect, test } from "vitest";
import { tensorOf } from "../../src/ops/index.js";
import { forwardModel, inferTypes } from "../gradients/build.js";
import { fed } from "../gradients/case.js";
import { openBrowser } from "./browser.js";
import { type FedGraph, trainingGraphs } from "./graphs.js";
import { someTrainingSteps } from "./steps.js";
import { stepTolerance, supportOf } from "./support.js";

const browser = await openBrowser();
const steps = await someTrainingSteps();
afterAll(async () => {
  if (!("unavailable" in browser)) await browser.close();
});

if ("unavailable" in browser) {
  test.skip(`WebGPU is not tested on this machine: ${browser.unavailable}`, () => undefined);
} else {
  describe("WebGPU", () => {
    test.each(trainingGraphs())("$name: gives the CPU's results", async ({ model, feeds }) => {
      expect(await supportOf(browser, model, feeds)).not.toMatchObject({ state: "fails" });
    });

    test.each(steps)("$name: gives the CPU's weights", async ({ model, feeds }) => {
      expect(await supportOf(browser, model, feeds, stepTolerance)).not.toMatchObject({ state: "fails" });
    });

    test("a node without a WebGPU kernel is reported as placed on the CPU", async () => {
      const { model, feeds } = single("Sign", [-2, 0, 3]);
      expect(await supportOf(browser, model, feeds)).toMatchObject({ state: "cpu" });
    });

    test("an operator that computes something else than the CPU is reported, and the next graph still runs", async () => {
      const overflowing = single("ReduceLogSumExp", [100, 99]);
      expect(await supportOf(browser, overflowing.model, overflowing.feeds)).toMatchObject({
        state: "fails",
        reason: expect.stringContaining("Infinity, expected 100.3"),
      });
      const { model, feeds } = single("Relu", [-1, 1]);
      expect(await supportOf(browser, model, feeds)).toEqual({ state: "webgpu" });
    });
  });
}

function single(op: string, values: readonly number[]): FedGraph {
  const call = { op, inputs: [fed(tensorOf(values))] };
  return { name: op, model: forwardModel(call, inferTypes(call)), feeds: { input0: tensorOf(values) } };
}
