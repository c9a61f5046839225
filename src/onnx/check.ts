/** The rules of ONNX that a model must keep for anything above to work with it. */
import { FormatError, GraphError, type OffmapError, UnsupportedError } from "../errors.js";
import { describeNode } from "./describe.js";
import type { GraphProto } from "./onnx_pb.js";
import { checkTensor } from "./tensors.js";
import { type Graph, type Model, type Node, origin } from "./types.js";
import { newestIrVersion, newestOpset, oldestOpset } from "./versions.js";

/**
 * Checks a model: versions that ONNX Runtime takes, one producer per tensor, every tensor made before it is used (subgraphs
 * see the tensors around them), tensors whose data fits their shape.
 *
 * @param where  how messages call the model, by default its producer
 * @throws GraphError | UnsupportedError | FormatError | ShapeError
 */
export function checkModel(model: Model, where = "model"): void {
  checkVersions(model, where);
  const { imports } = model;
  new Checker(where, imports).graph(model.graph, "graph", undefined);
}

function checkVersions({ opset, imports, irVersion }: Model, where: string): void {
  if (imports.get("") !== opset) {
    throw new GraphError({
      where,
      expected: `an import of the standard operator set in version ${opset}`,
      received: String(imports.get("") ?? "none"),
    });
  }
  if (opset < oldestOpset || opset > newestOpset) {
    throw new UnsupportedError({
      where,
      expected: `a model of operator set ${oldestOpset} to ${newestOpset}`,
      received: String(opset),
      hint: opset < oldestOpset ? "export it again with a newer opset_version" : "export it with opset_version=18",
    });
  }
  if (irVersion < 1 || irVersion > newestIrVersion) {
    throw new UnsupportedError({
      where,
      expected: `a file of IR version 1 to ${newestIrVersion}`,
      received: String(irVersion),
      hint: "ONNX Runtime 1.30 takes no other; export it again",
    });
  }
}

/** The tensors made so far in a graph, and the graph around it; subgraphs see both. */
interface Scope {
  readonly known: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

function isVisible(name: string, scope: Scope): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) if (at.known.has(name)) return true;
  return false;
}

class Checker {
  constructor(
    private readonly where: string,
    private readonly imports: ReadonlyMap<string, number>,
  ) {}

  graph(graph: Graph, title: string, outer: Scope | undefined): void {
    const known = new Set<string>();
    const scope: Scope = { known, outer };
    const define = (name: string, what: string) => {
      if (name === "") throw this.error(`${what} without a name in ${title}`);
      if (known.has(name))
        throw this.error(`the tensor "${name}" is made twice in ${title}, the second time by ${what}`);
      known.add(name);
    };
    for (const input of graph.inputs) define(input.name, "a graph input");
    for (const [name, tensor] of graph.initializers) {
      define(name, "an initializer");
      checkTensor(tensor, `${this.where}, initializer "${name}"`);
    }
    const sparse = (graph[origin] as GraphProto | undefined)?.sparseInitializer ?? [];
    for (const { values } of sparse) define(values?.name ?? "", "a sparse initializer");
    const producers = producersOf(graph);
    const nodeNames = new Set<string>();
    for (const node of graph.nodes) {
      if (node.name !== "" && nodeNames.has(node.name))
        throw this.error(`two nodes of ${title} are called "${node.name}"`);
      nodeNames.add(node.name);
      this.node(node, title, scope, producers);
      for (const output of node.outputs) if (output !== "") define(output, describeNode(node));
    }
    const outputs = new Set<string>();
    for (const { name } of graph.outputs) {
      if (!isVisible(name, scope)) {
        throw this.error(`the output "${name}" of ${title} is made by no node, initializer or input`);
      }
      if (outputs.has(name)) throw this.error(`the output "${name}" of ${title} is declared twice`);
      outputs.add(name);
    }
  }

  private node(node: Node, title: string, scope: Scope, producers: ReadonlyMap<string, Node>): void {
    const label = describeNode(node);
    if (node.op === "") throw this.error(`${label} in ${title} names no operator`);
    if (!this.imports.has(node.domain)) {
      throw this.error(`${label} is of the domain "${node.domain}", which the model does not import`);
    }
    for (const input of node.inputs) {
      if (input === "" || isVisible(input, scope)) continue;
      const producer = producers.get(input);
      throw this.error(
        producer === undefined
          ? `${label} reads "${input}", which is no node's output, initializer or input`
          : `${label} reads "${input}" before ${describeNode(producer)} has made it`,
      );
    }
    for (const [name, attribute] of Object.entries(node.attributes)) {
      if (attribute.kind === "tensor") checkTensor(attribute.value, `${this.where}, ${label}, attribute ${name}`);
      if (attribute.kind === "graph") {
        this.graph(attribute.value, `the ${name} of ${label}`, scope);
      }
    }
  }

  private error(problem: string): OffmapError {
    return new GraphError({ where: this.where, problem });
  }
}

function producersOf(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** Refuses a graph in which one name stands for two initializers; a Map could not show it. */
export function refuseDuplicates(names: readonly string[], what: string, where: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "") throw new FormatError({ where, problem: `${what} without a name` });
    if (seen.has(name)) throw new GraphError({ where, problem: `two ${what}s are called "${name}"` });
    seen.add(name);
  }
}
