/** What `docs/operators.md` says about WebGPU, from the survey. */

import { everyNode } from "./placement.js";
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
  // The operator's own name would say nothing.
  const itself = cpuNodes.every((node) => node === op || node === everyNode);
  const nodes = itself ? "on CPU" : `${cpuNodes.filter((node) => node !== everyNode).join(", ")} on CPU`;
  const parts = [
    cpu === 0 ? undefined : webgpu === 0 ? nodes : `${nodes} in ${cpu} of ${cases}`,
    failures.length === 0 ? undefined : `${failures.length} of ${cases} fail`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "yes" : parts.join(", ");
}

/** One line per operator and reason. A gradient that fails where the operator itself fails is not listed again. */
export function webGpuFailures({ operators }: WebGpuSurvey): string[] {
  return Object.entries(operators).flatMap(([op, support]) => {
    if ("folded" in support) return [];
    const forward = support.forward.failures;
    const failed = new Set(forward.map(({ case: name }) => name));
    const gradient = (support.gradient?.failures ?? []).filter(({ case: name }) => !failed.has(name));
    return [...byReason(op, forward), ...byReason(`${op}, gradient`, gradient)];
  });
}

function byReason(what: string, failures: Tally["failures"]): string[] {
  const cases = new Map<string, string[]>();
  for (const { case: name, reason } of failures) cases.set(reason, [...(cases.get(reason) ?? []), name]);
  return [...cases].map(([reason, names]) => `${what} (${names.join("; ")}): ${reason}`);
}

/** One line per piece of a training step. */
export function webGpuTraining({ training }: WebGpuSurvey): string[] {
  return training.map(({ name, support }) => `${name}: ${supportText(support)}`);
}

function supportText(support: Support): string {
  if (support.state === "webgpu") return "yes";
  return support.state === "cpu" ? `yes, with ${support.nodes.join(", ")} on CPU` : `fails: ${support.reason}`;
}
