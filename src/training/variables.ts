import type { GraphBuilder } from "../graph/builder.js";
import type { Tensor } from "../onnx/types.js";
import { add, type Expr, mul } from "../ops/index.js";

/** The tensors that a training step reads and writes: what each starts with, and the expression that is its next value. */
export class Variables {
  readonly initial: Record<string, Tensor> = {};
  private readonly next = new Map<string, Expr>();

  move(name: string, initial: Tensor, next: Expr): void {
    this.initial[name] = initial;
    this.next.set(name, next);
  }

  /** Another variable that follows this one: `a ← keep·a + (1 - keep)·next`. It starts where this one does. */
  follow(graph: GraphBuilder, name: string, average: string, keep: number): void {
    const [initial, next] = [this.initial[name] as Tensor, this.next.get(name) as Expr];
    const before = graph.input(average, "float32", initial.dims);
    this.move(average, initial, add(mul(before, keep), mul(next, 1 - keep)));
  }

  /** Graph outputs by name. */
  get outputs(): Record<string, Expr> {
    return Object.fromEntries([...this.next].map(([name, value]) => [`${name}/next`, value]));
  }

  /** Which variable each of the outputs becomes. */
  get updates(): Record<string, string> {
    return Object.fromEntries([...this.next.keys()].map((name) => [`${name}/next`, name]));
  }
}
