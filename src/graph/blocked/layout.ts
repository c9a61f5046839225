/**
 * Rewrites a finished graph for ONNX Runtime's blocked layout (see `ops/blocked/operators.ts`): convolutions run in it, and what lies
 * between them stays in it, so that tensors change their layout only where something else needs them plain.
 *
 * Every value may exist plain, blocked, or both; the other form is made when somebody asks for it. The graph's meaning is that of the
 * plain form throughout.
 */
import { blockedDomain, type Expr, toBlocked, toPlain } from "../../ops/index.js";
import { type BuiltNode, GraphBuilder } from "../builder.js";
import { rewrites } from "./rewrites.js";

export interface Built {
  readonly graph: GraphBuilder;
  readonly outputs: Readonly<Record<string, Expr>>;
}

/** The same graph with its convolutions in blocks of `block` channels. */
export function blockedLayout(source: GraphBuilder, outputs: Readonly<Record<string, Expr>>, block: number): Built {
  const needed = source.neededFor(Object.values(outputs));
  const layout = new Layout(source, needed, block);
  for (const built of needed) layout.translate(built);
  const translated = Object.entries(outputs).map(([name, x]) => [name, layout.plain(x)] as const);
  return { graph: layout.target, outputs: Object.fromEntries(translated) };
}

/** What else a convolution can do in the same pass. */
export interface Extras {
  readonly activation?: "Relu";
  /** Added to the result, blocked. */
  readonly sum?: Expr;
}

/** What a value of the source graph has become. */
export interface Forms {
  plain?: Expr;
  blocked?: Expr;
  /**
   * Makes the blocked form again as part of a convolution that does more; for values that only one node reads. Undefined where the
   * convolution does that already: it can add one tensor, not two.
   */
  readonly remake?: (extras: Extras) => Expr | undefined;
}

/** The graph under construction, as the rewrites of single operators see it. */
export class Layout {
  readonly target: GraphBuilder;
  private readonly forms = new Map<string, Forms>();
  private readonly readers = new Map<string, number>();
  private readonly producers = new Map<string, BuiltNode>();

  constructor(
    source: GraphBuilder,
    needed: readonly BuiltNode[],
    readonly block: number,
  ) {
    this.target = new GraphBuilder(source.opset, block);
    for (const { name, dtype, dims } of source.inputs) {
      this.forms.set(name, { plain: this.target.input(name, dtype, dims) });
    }
    for (const built of needed) {
      for (const out of built.outputs) this.producers.set(out.name, built);
      for (const x of built.inputs) if (x !== undefined) this.readers.set(x.name, (this.readers.get(x.name) ?? 0) + 1);
    }
  }

  translate(built: BuiltNode): void {
    const { node, inputs, outputs } = built;
    const out = outputs[0] as Expr;
    const rewritten = node.domain === "" ? rewrites.get(node.op)?.(this, built) : undefined;
    if (rewritten !== undefined) {
      this.forms.set(out.name, rewritten);
      return;
    }
    // What gradient rules reorder themselves is the blocked form by another way.
    if (node.domain === blockedDomain && node.op === "ReorderInput" && this.fillsBlocks(inputs[0])) {
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

  plain(x: Expr): Expr {
    const forms = this.formsOf(x);
    forms.plain ??= toPlain(forms.blocked as Expr);
    return forms.plain;
  }

  blocked(x: Expr): Expr {
    const forms = this.formsOf(x);
    forms.blocked ??= toBlocked(forms.plain as Expr);
    return forms.blocked;
  }

  isBlocked(x: Expr | undefined): boolean {
    return x !== undefined && this.formsOf(x).blocked !== undefined;
  }

  /** Float tensors [N, C, H, W] whose channels fill their blocks. */
  fillsBlocks(x: Expr | undefined): boolean {
    return x?.dtype === "float32" && x.dims.length === 4 && (x.dims[1] as number) % this.block === 0;
  }

  /** How to make a value as part of a convolution that does more, where it comes from one and only the asking node reads it. */
  remakeOf(x: Expr): Forms["remake"] {
    return this.hasOneReader(x) ? this.formsOf(x).remake : undefined;
  }

  hasOneReader(x: Expr): boolean {
    return this.readers.get(x.name) === 1;
  }

  producerOf(x: Expr | undefined): BuiltNode | undefined {
    return x === undefined ? undefined : this.producers.get(x.name);
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
