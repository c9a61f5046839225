/** Whether a graph runs on WebGPU, found out by running it there and on the CPU. */
import type { Model, Tensor } from "../../src/onnx/types.js";
import { expectTensor } from "../gradients/compare.js";
import { runModel } from "../gradients/run-model.js";
import { BrowserLost, type WebGpuBrowser } from "./browser.js";

/**
 * - `webgpu`: every node runs on WebGPU, and the results are the CPU's;
 * - `cpu`: the results are the CPU's, but nodes of the given types were placed on the CPU;
 * - `fails`: it does not load, does not run, or gives other results.
 */
export type Support =
  | { readonly state: "webgpu" }
  | { readonly state: "cpu"; readonly nodes: readonly string[] }
  | { readonly state: "fails"; readonly reason: string };

/** Largest difference allowed, relative to the largest element: WGSL's exp, tanh and the like may be off by several ulps. */
const defaultTolerance = 2e-5;

/** The same in a whole training step, where rounding adds up over the layers. */
export const stepTolerance = 1e-4;

/** WGSL allows sine and cosine an absolute error of 2^-11 between -π and π (WebGPU Shading Language, "Floating point accuracy"). */
const looserTolerances: Readonly<Record<string, number>> = { Cos: 2 ** -11, Sin: 2 ** -11 };

/** Largest difference allowed in a case of an operator. */
export const toleranceOf = (op: string): number => looserTolerances[op] ?? defaultTolerance;

/**
 * Runs a model once with the WebGPU provider and compares every output with onnxruntime-node's on the CPU.
 *
 * @throws BrowserLost when the browser has to be started anew
 */
export async function supportOf(
  browser: WebGpuBrowser,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
  tolerance = defaultTolerance,
): Promise<Support> {
  // A gradient does not read every input; the browser refuses those that a model does not have.
  const read = Object.fromEntries(model.graph.inputs.map(({ name }) => [name, feeds[name] as Tensor]));
  const expected = await runModel(model, read);
  try {
    const { outputs, placement } = await browser.run(model, read);
    for (const [name, tensor] of expected) expectTensor(outputs.get(name), tensor, tolerance, name);
    return placement.cpu.length === 0 ? { state: "webgpu" } : { state: "cpu", nodes: placement.cpu };
  } catch (error) {
    if (error instanceof BrowserLost) throw error;
    return { state: "fails", reason: oneLine((error as Error).message) };
  }
}

/** The message in one line that says the same on every run and machine. */
function oneLine(message: string): string {
  // ONNX Runtime looks for a kernel on WebGPU, then on the CPU; that none was found shows in a later pass over the graph.
  const missing = /Provider type for (\w+) node/.exec(message);
  if (missing !== null) return `the web build has no kernel for ${missing[1]} of these types`;
  const line = message.split("\n")[0] as string;
  return line
    .replace(/^.*(ERROR_MESSAGE|Status Message): /, "")
    .replaceAll(/0x[0-9a-f]+/g, "…")
    .replaceAll(/\S*\/(\w+\.(cc|h)):\d+ /g, "$1 ")
    .slice(0, 200);
}
