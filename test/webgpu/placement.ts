/**
 * Where ONNX Runtime placed the nodes of a session. `executionProviders: ["webgpu"]` does not keep it from running a node on
 * the CPU: nodes without a WebGPU kernel are placed there silently, and only the verbose log says so.
 */

/** Node types by execution provider, as the log of one session names them; a type is listed once per node. */
export interface Placement {
  /** Number of nodes on WebGPU. */
  readonly webgpu: number;
  /** Types of the nodes on the CPU, sorted, each once; copies between the two are not counted. */
  readonly cpu: readonly string[];
}

const copies = ["MemcpyToHost", "MemcpyFromHost"];

/**
 * Reads the lines that ONNX Runtime 1.30 logs at severity 0 from `VerifyEachNodeIsAssignedToAnEp`: "Node placements", then
 *
 *   All nodes placed on [WebGpuExecutionProvider]. Number of nodes: 4
 *
 * or, when the graph is split, one block per provider:
 *
 *   Node(s) placed on [CPUExecutionProvider]. Number of nodes: 1
 *     ScatterElements (node name)
 *
 * @throws Error when no line tells a placement: the log of another version, or a session that failed before
 */
export function readPlacement(lines: readonly string[]): Placement {
  if (!lines.some((line) => line.includes("Node placements"))) {
    throw new Error(`no node placement in the log:\n${lines.join("\n")}`);
  }
  let provider: string | undefined;
  let webgpu = 0;
  const cpu = new Set<string>();
  for (const line of lines) {
    const text = line.slice(line.indexOf("]") + 1);
    const block = /placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(text);
    if (block !== null) {
      provider = block[1];
      if (provider === "WebGpuExecutionProvider") webgpu = Number(block[2]);
      else if (provider === "CPUExecutionProvider" && text.includes("All nodes")) cpu.add(everyNode);
      continue;
    }
    const node = /^\s+(\w+) \(.*\)\s*$/.exec(text);
    if (node !== null && provider === "CPUExecutionProvider" && !copies.includes(node[1] as string)) {
      cpu.add(node[1] as string);
    }
  }
  return { webgpu, cpu: [...cpu].sort() };
}

/** Stands for the types when the log only says that every node is on the CPU. */
export const everyNode = "every node";
