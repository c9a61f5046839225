/** The order of nodes: every tensor is made before it is used. */
import { GraphError } from "../errors.js";
import { describeNode } from "./describe.js";
import type { Graph, Node } from "./types.js";

/** Every tensor a node reads: its inputs, and what its subgraphs (the branches of If, the bodies of Loop and Scan) take from outside. */
export function tensorsRead(node: Node): Set<string> {
  const read = new Set(node.inputs.filter((input) => input !== ""));
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind === "graph") for (const name of outerTensors(attribute.value)) read.add(name);
  }
  return read;
}

/** What a subgraph takes from the graphs around it. */
function outerTensors(graph: Graph): Set<string> {
  const inner = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) inner.add(output);
  const outer = new Set<string>();
  const note = (name: string) => {
    if (!inner.has(name)) outer.add(name);
  };
  for (const node of graph.nodes) tensorsRead(node).forEach(note);
  for (const { name } of graph.outputs) note(name);
  return outer;
}

/**
 * Nodes in topological order. Nodes that are in order already stay where they are.
 *
 * @throws GraphError naming a node on a cycle
 */
export function sortNodes(nodes: readonly Node[], where: string): Node[] {
  const producers = new Map<string, Node>();
  for (const node of nodes) {
    for (const output of node.outputs) if (output !== "" && !producers.has(output)) producers.set(output, node);
  }
  const sorted: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  // Depth first with a stack of our own, because a chain of nodes may be longer than the call stack is deep.
  for (const start of nodes) {
    const stack = state.has(start) ? [] : [enter(start)];
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as Visit;
      const next = top.pending.next();
      if (next.done === true) {
        state.set(top.node, "done");
        sorted.push(top.node);
        stack.pop();
        continue;
      }
      const producer = producers.get(next.value);
      if (producer === undefined || state.get(producer) === "done") continue;
      if (state.get(producer) === "open") {
        throw new GraphError({
          where,
          problem: `the graph has a cycle through ${describeNode(producer)} by the tensor "${next.value}"`,
        });
      }
      stack.push(enter(producer));
    }
  }
  return sorted;

  function enter(node: Node): Visit {
    state.set(node, "open");
    return { node, pending: tensorsRead(node).values() };
  }
}

interface Visit {
  readonly node: Node;
  readonly pending: Iterator<string, undefined>;
}
