/** What `docs/operators.md` says about WebGPU, from the survey. */

import type { Support } from "./support.js";
import type { OperatorSupport, Tally, WebGpuSurvey } from "./survey.js";

/** The cell of an operator; undefined for one that came after the survey. */
export function webGpuCell(op: string, support: OperatorSupport | undefined): string {
  if (support === undefined) return "not tested";
  if ("folded" in support) return "folded";
  const forward = tallyText(support.forward, op);
  if (support.gradient === undefined) return forward;
  const gradient = tallyText(support.gradient, op);
  return forward === gradient ? forward : `${forward}; gradient: ${gradient}`;
}

function tallyText({ webgpu, cpu, cpuNodes, failures }: Tally, op: string): string {
  const cases = webgpu + cpu + failures.length;
  const others = cpuNodes.filter((node) => node !== op);
  const nodes = others.length === 0 ? "on CPU" : `${cpuNodes.join(", ")} on CPU`;
  const parts = [
    cpu === 0 ? undefined : webgpu === 0 ? nodes : `yes, ${nodes} in ${cpu} of ${cases}`,
    failures.length === 0 ? undefined : `${failures.length} of ${cases} fail`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "yes" : parts.join(", ");
}

/** One line per failing case; forward and gradient share a line where they fail alike. */
export function webGpuFailures({ operators }: WebGpuSurvey): string[] {
  return Object.entries(operators).flatMap(([op, support]) => {
    if ("folded" in support) return [];
    const forward = support.forward.failures.map((failure) => ({ ...failure, graph: "" }));
    const gradient = (support.gradient?.failures ?? [])
      .filter(({ case: name }) => !forward.some((failure) => failure.case === name))
      .map((failure) => ({ ...failure, graph: ", gradient" }));
    return [...forward, ...gradient].map(({ case: name, graph, reason }) => `${op}${graph}, ${name}: ${reason}`);
  });
}

/** One line per piece of a training step. */
export function webGpuTraining({ training }: WebGpuSurvey): string[] {
  return training.map(({ name, support }) => `${name}: ${supportText(support)}`);
}

function supportText(support: Support): string {
  if (support.state === "webgpu") return "yes";
  return support.state === "cpu" ? `yes, with ${support.nodes.join(", ")} on CPU` : `fails: ${support.reason}`;
}
