/** Every operator's cases and every piece of a training step, run on WebGPU and counted. */
import type { Model, Tensor } from "../../src/onnx/types.js";
import { allRules } from "../../src/ops/index.js";
import { feeds, fixedCotangents, forwardModel, gradientModel, inferTypes, outputName } from "../gradients/build.js";
import { runModel } from "../gradients/run-model.js";
import { BrowserLost, openBrowser, type WebGpuBrowser } from "./browser.js";
import { casesByOperator, foldedAway, isDifferentiable, type NamedCase } from "./cases.js";
import { trainingGraphs } from "./graphs.js";
import { trainingSteps } from "./steps.js";
import { type Support, stepTolerance, supportOf, toleranceOf } from "./support.js";

/** How the cases of one operator fared. */
export interface Tally {
  /** Cases with every node on WebGPU and the CPU's results. */
  readonly webgpu: number;
  /** Cases with the CPU's results and nodes placed on the CPU. */
  readonly cpu: number;
  /** Types of those nodes over all cases, sorted. */
  readonly cpuNodes: readonly string[];
  /** Cases that do not load, do not run, or give other results. */
  readonly failures: readonly { readonly case: string; readonly reason: string }[];
}

/** `folded`: the operator is computed while a graph is built and never runs. */
export type OperatorSupport = { readonly folded: true } | { readonly forward: Tally; readonly gradient?: Tally };

/** The content of `docs/operators-webgpu.json`. */
export interface WebGpuSurvey {
  /** What it was run on. */
  readonly environment: {
    readonly adapter: string;
    readonly chromium: string;
    readonly "onnxruntime-web": string;
    readonly opset: string;
  };
  readonly operators: Readonly<Record<string, OperatorSupport>>;
  readonly training: readonly { readonly name: string; readonly support: Support }[];
}

/**
 * Runs everything; minutes on two cores.
 *
 * @param progress  told the operator or graph that comes next
 * @throws Error when this machine has no Chromium with WebGPU
 */
export async function surveyWebGpu(progress: (what: string) => void): Promise<WebGpuSurvey> {
  const browser = new Browser();
  try {
    const { adapter, chromium, runtime } = await browser.adapter();
    const cases = casesByOperator();
    const operators: Record<string, OperatorSupport> = {};
    for (const { op } of allRules()) {
      progress(op);
      if (foldedAway.includes(op)) operators[op] = { folded: true };
      else operators[op] = await surveyOperator(browser, cases.get(op) ?? []);
    }
    const training: { name: string; support: Support }[] = [];
    const pieces = trainingGraphs().map((graph) => ({ ...graph, tolerance: undefined }));
    const steps = (await trainingSteps()).map((graph) => ({ ...graph, tolerance: stepTolerance }));
    for (const { name, model, feeds, tolerance } of [...pieces, ...steps]) {
      progress(name);
      training.push({ name, support: await browser.support(model, feeds, tolerance) });
    }
    return {
      environment: { adapter, chromium, "onnxruntime-web": runtime, opset: "18, or the operator's first" },
      operators,
      training,
    };
  } finally {
    await browser.close();
  }
}

async function surveyOperator(browser: Browser, cases: readonly NamedCase[]): Promise<OperatorSupport> {
  const forward: [string, Support][] = [];
  const gradient: [string, Support][] = [];
  for (const { name, call, cotangents } of cases) {
    const tolerance = toleranceOf(call.op);
    const types = inferTypes(call);
    const model = forwardModel(call, types);
    forward.push([name, await browser.support(model, feeds(call), tolerance)]);
    if (!isDifferentiable(call)) continue;
    const outputs = await runModel(model, feeds(call));
    const weights =
      cotangents ??
      fixedCotangents(
        call,
        types.map((_, index) => outputs.get(outputName(index)) as Tensor),
      );
    gradient.push([name, await browser.support(gradientModel(call), feeds(call, weights), tolerance)]);
  }
  return { forward: tally(forward), ...(gradient.length === 0 ? {} : { gradient: tally(gradient) }) };
}

function tally(results: readonly (readonly [string, Support])[]): Tally {
  const nodes = results.flatMap(([, support]) => (support.state === "cpu" ? support.nodes : []));
  return {
    webgpu: results.filter(([, { state }]) => state === "webgpu").length,
    cpu: results.filter(([, { state }]) => state === "cpu").length,
    cpuNodes: [...new Set(nodes)].sort(),
    failures: results.flatMap(([name, support]) =>
      support.state === "fails" ? [{ case: name, reason: support.reason }] : [],
    ),
  };
}

/** A browser that is started when it is first needed, and again after a graph that took it down. */
class Browser {
  private opened: WebGpuBrowser | undefined;

  async adapter() {
    return (await this.open()).adapter;
  }

  async support(model: Model, inputs: Readonly<Record<string, Tensor>>, tolerance?: number): Promise<Support> {
    try {
      return await supportOf(await this.open(), model, inputs, tolerance);
    } catch (error) {
      if (!(error instanceof BrowserLost)) throw error;
      await this.close();
      return { state: "fails", reason: error.message };
    }
  }

  async close(): Promise<void> {
    await this.opened?.close();
    this.opened = undefined;
  }

  private async open(): Promise<WebGpuBrowser> {
    if (this.opened !== undefined) return this.opened;
    const browser = await openBrowser();
    if ("unavailable" in browser) throw new Error(`no WebGPU here: ${browser.unavailable}`);
    this.opened = browser;
    return browser;
  }
}
