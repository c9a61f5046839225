/** How nodes are named in messages. */
import type { Node } from "./types.js";

/** `node "layer3.0.conv1" (Conv)`; a node without a name goes by its first output. */
export function describeNode({ name, op, domain, outputs }: Pick<Node, "name" | "op" | "domain" | "outputs">): string {
  const label = name !== "" ? `"${name}"` : `that makes "${outputs.find((output) => output !== "") ?? ""}"`;
  return `node ${label} (${domain === "" ? op : `${domain}.${op}`})`;
}
