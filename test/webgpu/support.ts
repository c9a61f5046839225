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
const tolerance = 2e-5;

/**
 * Runs a model once with the WebGPU provider and compares every output with onnxruntime-node's on the CPU.
 *
 * @throws BrowserLost when the browser has to be started anew
 */
export async function supportOf(
  browser: WebGpuBrowser,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Support> {
  const expected = await runModel(model, feeds);
  try {
    const { outputs, placement } = await browser.run(model, feeds);
    for (const [name, tensor] of expected) expectTensor(outputs.get(name), tensor, tolerance, name);
    return placement.cpu.length === 0 ? { state: "webgpu" } : { state: "cpu", nodes: placement.cpu };
  } catch (error) {
    if (error instanceof BrowserLost) throw error;
    return { state: "fails", reason: oneLine((error as Error).message) };
  }
}

/** The message's first line without what differs from run to run: addresses, and where in ONNX Runtime's sources it was made. */
function oneLine(message: string): string {
  const line = message.split("\n")[0] as string;
  return line
    .replaceAll(/0x[0-9a-f]+/g, "…")
    .replaceAll(/\S*\/(\w+\.(cc|h)):\d+ /g, "$1 ")
    .slice(0, 200);
}
