/**
 * Rewrites a finished graph into forms that ONNX Runtime's WebGPU provider computes rightly.
 *
 * Its convolution reads channels in vectors of four, or of three where that divides them and four does not. With threes and more than
 * one of them its numbers are wrong, without a word (onnxruntime-web 1.30). Channels of zeros up to the next multiple of four avoid that.
 */
import { AttributeReader, type Expr, pad, staticDims } from "../ops/index.js";
import { type BuiltNode, GraphBuilder } from "./builder.js";

const vector = 4;

/** The same graph for WebGPU. */
export function webGpuForms(
  source: GraphBuilder,
  outputs: Readonly<Record<string, Expr>>,
): { graph: GraphBuilder; outputs: Readonly<Record<string, Expr>> } {
  const graph = new GraphBuilder(source.opset);
  const values = new Map(source.inputs.map(({ name, dtype, dims }) => [name, graph.input(name, dtype, dims)]));
  const inTarget = (x: Expr): Expr => {
    const known = values.get(x.name) ?? graph.constant(x.constant as NonNullable<Expr["constant"]>);
    values.set(x.name, known);
    return known;
  };
  for (const built of source.neededFor(Object.values(outputs))) {
    const { node } = built;
    const operands = built.inputs.map((x) => x && inTarget(x));
    const arranged = isMisread(built) ? withZeroChannels(operands) : operands;
    // Names that the source made up may be taken here.
    const name = node.name === node.outputs[0] ? "" : node.name;
    const results = graph.op(node.op, arranged, node.attributes, {
      ...{ name, domain: node.domain, outputs: built.outputs.length },
    });
    built.outputs.forEach((x, index) => {
      values.set(x.name, results[index] as Expr);
    });
  }
  return { graph, outputs: Object.fromEntries(Object.entries(outputs).map(([name, x]) => [name, inTarget(x)])) };
}

function isMisread({ node, inputs }: BuiltNode): boolean {
  if (node.op !== "Conv" || node.domain !== "") return false;
  const group = new AttributeReader(node.attributes, node.name).int("group", 1);
  const [outputs, channels] = staticDims(inputs[1] as Expr, node.name) as [number, number];
  return group === 1 && channels > 3 && channels % 3 === 0 && channels % vector !== 0 && outputs % vector === 0;
}

/** x [N, C, ...] and w [O, C, ...] with channels of zeros. */
function withZeroChannels(operands: readonly (Expr | undefined)[]): (Expr | undefined)[] {
  return operands.map((value, index) => {
    if (value === undefined || index > 1) return value;
    const ends = value.dims.map((size, axis) => (axis === 1 ? vector - ((size as number) % vector) : 0));
    return pad(value, [...ends.map(() => 0), ...ends]);
  });
}
