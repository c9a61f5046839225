import type { NodeTiming } from "../runtime/index.js";

export interface ProfileRow {
  /** Operator, or name of the node. */
  readonly name: string;
  /** Of a node; absent where rows are operators. */
  readonly op?: string;
  /** Times in one run. */
  readonly calls: number;
  /** In one run. */
  readonly milliseconds: number;
  /** Of the time of all nodes, in [0, 1]. */
  readonly share: number;
  /** Additions and multiplications per nanosecond in convolutions and matrix products; null for other operators. */
  readonly gflops: number | null;
}

/** Timings added up by operator, or one row per node; the slowest first. */
export function summarise(nodes: readonly NodeTiming[], by: "operator" | "node"): ProfileRow[] {
  const groups = new Map<string, NodeTiming[]>();
  for (const node of nodes) {
    const key = by === "operator" ? node.op : node.name;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  const sum = (list: readonly NodeTiming[], key: "milliseconds" | "operations") =>
    list.reduce((total, node) => total + node[key], 0);
  const everything = sum(nodes, "milliseconds");
  return [...groups]
    .map(([name, list]) => {
      const milliseconds = sum(list, "milliseconds");
      const operations = sum(list, "operations");
      return {
        name,
        ...(by === "node" ? { op: (list[0] as NodeTiming).op } : {}),
        calls: list.length,
        milliseconds,
        share: everything === 0 ? 0 : milliseconds / everything,
        gflops: operations === 0 || milliseconds === 0 ? null : operations / milliseconds / 1e6,
      };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
