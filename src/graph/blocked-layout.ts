/**
 * Rewrites a finished graph for ONNX Runtime's blocked layout (see `ops/blocked/operators.ts`): convolutions run in it, and what lies between
 * them stays in it, so that tensors change their layout only where something else needs them plain.
 *
 * Every value may exist plain, blocked, or both; the other form is made when somebody asks for it. The graph's meaning is that of the
 * plain form throughout.
 */
import { float, type Node } from "../onnx/types.js";
import { convolutionOf } from "../ops/conv.js";
import {
  AttributeReader,
  add,
  blockedConv,
  blockedDomain,
  blockedFilter,
  blockedMean,
  div,
  type Expr,
  first,
  mul,
  reshape,
  sqrt,
  staticDims,
  sub,
  toBlocked,
  toPlain,
} from "../ops/index.js";
import { type BuiltNode, GraphBuilder } from "./builder.js";

/** Brings every positive number to 1 or more. */
const largest = 3.4e38;

/** Operators that treat every element alike; operands of one value or one per channel may be broadcast. */
const elementwise = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Max",
  "Min",
  "Neg",
  "Sigmoid",
  "Tanh",
  "HardSigmoid",
  "HardSwish",
  "LeakyRelu",
]);

export interface Built {
  readonly graph: GraphBuilder;
  readonly outputs: Readonly<Record<string, Expr>>;
}

/** The same graph with its convolutions in blocks of `source.block` channels. */
export function blockedLayout(source: GraphBuilder, outputs: Readonly<Record<string, Expr>>, block: number): Built {
  const rewriting = new Rewriting(source, block);
  const needed = source.neededFor(Object.values(outputs));
  rewriting.countReaders(needed);
  for (const built of needed) rewriting.translate(built);
  const translated = Object.entries(outputs).map(([name, x]) => [name, rewriting.plain(x)] as const);
  return { graph: rewriting.target, outputs: Object.fromEntries(translated) };
}

interface Forms {
  plain?: Expr;
  blocked?: Expr;
  /** The convolution that made the blocked form, while nothing but one reader knows it. */
  remake?: (activation: "Relu") => Expr;
}

class Rewriting {
  readonly target: GraphBuilder;
  private readonly forms = new Map<string, Forms>();
  private readonly readers = new Map<string, number>();
  private readonly producers = new Map<string, BuiltNode>();

  constructor(
    source: GraphBuilder,
    private readonly block: number,
  ) {
    this.target = new GraphBuilder(source.opset, block);
    for (const { name, dtype, dims } of source.inputs) {
      this.forms.set(name, { plain: this.target.input(name, dtype, dims) });
    }
  }

  countReaders(nodes: readonly BuiltNode[]): void {
    for (const built of nodes) {
      const { node, inputs } = built;
      for (const name of node.outputs) this.producers.set(name, built);
      for (const x of inputs) if (x !== undefined) this.readers.set(x.name, (this.readers.get(x.name) ?? 0) + 1);
    }
  }

  plain(x: Expr): Expr {
    const forms = this.formsOf(x);
    forms.plain ??= toPlain(forms.blocked as Expr);
    return forms.plain;
  }

  translate(built: BuiltNode): void {
    const { node, inputs, outputs } = built;
    const blocked = node.domain === "" ? this.inBlocks(built) : undefined;
    const out = outputs[0] as Expr;
    if (blocked !== undefined) {
      this.forms.set(out.name, blocked);
      return;
    }
    if (node.domain === blockedDomain && node.op === "ReorderInput" && this.mayBlock(inputs[0])) {
      this.forms.set(out.name, { plain: this.blocked(inputs[0] as Expr) });
      return;
    }
    const operands = inputs.map((x) => (x === undefined ? undefined : this.plain(x)));
    if (node.domain === blockedDomain && node.op === "ReorderOutput") {
      this.forms.set(out.name, { blocked: operands[0] as Expr });
      return;
    }
    // Names that the source made up may be taken here.
    const name = node.name === out.name ? "" : node.name;
    const options = { name, domain: node.domain, outputs: outputs.length };
    const results = this.target.op(node.op, operands, node.attributes, options);
    outputs.forEach((x, index) => {
      this.forms.set(x.name, { plain: results[index] as Expr });
    });
  }

  /** The node's result in blocks, where it is one of those that work there. */
  private inBlocks({ node, inputs, outputs }: BuiltNode): Forms | undefined {
    const [x] = inputs as [Expr];
    if (node.op === "Conv") return this.convolution(node, inputs);
    if (node.op === "Where") return this.reluGradient(inputs, outputs[0] as Expr);
    if (!inputs.some((input) => input !== undefined && this.formsOf(input).blocked !== undefined)) return undefined;
    switch (node.op) {
      case "Relu": {
        const { remake } = this.formsOf(x);
        if (remake !== undefined && this.readers.get(x.name) === 1) return { blocked: remake("Relu") };
        return { blocked: first(this.target.op("Relu", [this.blocked(x)])) };
      }
      case "BatchNormalization":
        return this.scaleShift(node, inputs, outputs[0] as Expr);
      case "GlobalAveragePool":
        return { plain: blockedMean(this.blocked(x)) };
      case "ReduceMean":
      case "ReduceSum":
        return this.overPositions(node, inputs, outputs[0] as Expr);
      default:
        return elementwise.has(node.op) ? this.elementwise(node, inputs, outputs[0] as Expr) : undefined;
    }
  }

  private convolution(node: Node, inputs: readonly (Expr | undefined)[]): Forms | undefined {
    const [x, w, bias] = inputs as [Expr, Expr, Expr | undefined];
    const call = { inputs, attributes: new AttributeReader(node.attributes, node.name), where: node.name };
    const { windows, group } = convolutionOf(call);
    const [outputs, perGroup] = staticDims(w, w.name) as [number, number];
    const channels = x.dims[1] as number;
    const depthwise = group > 1 && group === channels && group === outputs && perGroup === 1;
    const small = group === 1 && channels < this.block;
    if (windows.kernel.length !== 2 || outputs % this.block !== 0 || x.dtype !== "float32") return undefined;
    if (!small && channels % this.block !== 0) return undefined;
    if (group > 1 && !depthwise) return undefined;
    const operand = small ? this.plain(x) : this.blocked(x);
    const filter = blockedFilter(this.plain(w), this.block);
    const { strides, dilations, begins, ends } = windows;
    const make = (activation?: "Relu") =>
      blockedConv(operand, filter, bias && this.plain(bias), {
        strides,
        dilations,
        pads: [...begins, ...ends],
        group,
        ...(activation === undefined ? {} : { activation }),
      });
    return { blocked: make(), remake: make };
  }

  /**
   * dy where y > 0, from the form in which Relu's rule writes it, as a product with a mask of floats. It takes half the time of Where, which
   * ONNX Runtime does not spread over threads. It would make NaN of an infinite dy; among convolutions training has failed before.
   */
  private reluGradient(inputs: readonly (Expr | undefined)[], out: Expr): Forms | undefined {
    const [condition, dy, otherwise] = inputs as [Expr, Expr, Expr];
    const cast = this.producers.get(condition.name);
    const y = cast?.node.op === "Cast" ? cast.inputs[0] : undefined;
    if (y === undefined || otherwise.constant?.data[0] !== 0 || !this.mayBlock(out)) return undefined;
    // A truth value has no blocked form, so only this pattern of Where is known.
    if (
      this.formsOf(y).blocked === undefined ||
      this.producers.get(y.name)?.node.op !== "Relu" ||
      dy.dims.join() !== y.dims.join()
    )
      return undefined;
    const mask = first(this.target.op("HardSigmoid", [this.blocked(y)], { alpha: float(largest), beta: float(0) }));
    return { blocked: mul(this.blocked(dy), mask) };
  }

  /** Scale and shift per channel, in the form BatchNorm's rule writes it, as a depthwise convolution with one tap. */
  private scaleShift(node: Node, inputs: readonly (Expr | undefined)[], out: Expr): Forms | undefined {
    const [x, scale, shift, mean, variance] = inputs as [Expr, Expr, Expr, Expr, Expr];
    if (!this.mayBlock(out)) return undefined;
    const epsilon = new AttributeReader(node.attributes, node.name).float("epsilon", 1e-5);
    const slope = div(this.plain(scale), sqrt(add(this.plain(variance), epsilon)));
    const offset = sub(this.plain(shift), mul(slope, this.plain(mean)));
    const channels = out.dims[1] as number;
    return { blocked: blockedConv(this.blocked(x), reshape(slope, [channels, 1, 1, 1]), offset, { group: channels }) };
  }

  private overPositions(node: Node, inputs: readonly (Expr | undefined)[], out: Expr): Forms | undefined {
    const [x, axes] = inputs as [Expr, Expr | undefined];
    const over = axes?.constant === undefined ? [] : Array.from(axes.constant.data as BigInt64Array, Number);
    if (x.dims.length !== 4 || over.join() !== "2,3") return undefined;
    const [, , height, width] = staticDims(x, x.name) as [number, number, number, number];
    const mean = blockedMean(this.blocked(x));
    const value = node.op === "ReduceSum" ? mul(mean, height * width) : mean;
    return { plain: reshape(value, staticDims(out, out.name)) };
  }

  private elementwise(node: Node, inputs: readonly (Expr | undefined)[], out: Expr): Forms | undefined {
    if (out.dtype !== "float32" || !this.mayBlock(out)) return undefined;
    const dims = staticDims(out, out.name) as [number, number, number, number];
    const same = (x: Expr) => x.dims.join() === dims.join();
    const perChannel = (x: Expr) => [`1,${dims[1]},1,1`, `${dims[1]},1,1`].includes(x.dims.join());
    const single = (x: Expr) => x.dims.every((size) => size === 1);
    const operands = inputs as readonly Expr[];
    if (!operands.every((x) => same(x) || perChannel(x) || single(x))) return undefined;
    const grouped = [dims[0], dims[1] / this.block, dims[2], dims[3], this.block];
    if (!operands.some((x) => !same(x) && perChannel(x))) {
      return {
        blocked: first(
          this.target.op(
            node.op,
            operands.map((x) => (same(x) ? this.blocked(x) : this.plain(x))),
            node.attributes,
          ),
        ),
      };
    }
    const broadcast = operands.map((x) =>
      same(x)
        ? reshape(this.blocked(x), grouped)
        : single(x)
          ? this.plain(x)
          : reshape(this.plain(x), [1, grouped[1] as number, 1, 1, this.block]),
    );
    return { blocked: reshape(first(this.target.op(node.op, broadcast, node.attributes)), dims) };
  }

  private blocked(x: Expr): Expr {
    const forms = this.formsOf(x);
    forms.blocked ??= toBlocked(forms.plain as Expr);
    return forms.blocked;
  }

  /** Float tensors [N, C, H, W] whose channels fill their blocks. */
  private mayBlock(x: Expr | undefined): boolean {
    return x?.dtype === "float32" && x.dims.length === 4 && (x.dims[1] as number) % this.block === 0;
  }

  private formsOf(x: Expr): Forms {
    let forms = this.forms.get(x.name);
    if (forms === undefined) {
      // Only constants are met without having been translated.
      forms = { plain: this.target.constant(x.constant as NonNullable<Expr["constant"]>) };
      this.forms.set(x.name, forms);
    }
    return forms;
  }
}
