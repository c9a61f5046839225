/** What the machine can do at most, measured through ONNX Runtime, and how much of it a model asks for. */
import { GraphBuilder } from "../src/graph/builder.js";
import { encodeModel } from "../src/onnx/index.js";
import { elementCount } from "../src/onnx/types.js";
import { add, type Expr, matMul, slice } from "../src/ops/index.js";
import type { Engine } from "../src/runtime/index.js";
import { inferShapes } from "../src/training/classifier.js";
import type { Classifier } from "../src/training/index.js";

export interface Limits {
  /** Of a product of two 2048x2048 matrices, float32. */
  readonly gigaflops: number;
  /** Of a sum of two tensors of 100 MB: bytes read and written. */
  readonly gigabytes: number;
}

/** Shortest time of a graph in milliseconds, after a first run that allocates. One number of the result is asked for, so that no large output is copied. */
export async function shortestTime(
  engine: Engine,
  graph: GraphBuilder,
  result: Expr,
  repeats: number,
): Promise<number> {
  const session = await engine.load(encodeModel(graph.model({ corner: corner(result) })));
  const feeds = Object.fromEntries(
    session.inputs.map(({ name, dims }) => {
      const sizes = dims as readonly number[];
      const data = Float32Array.from({ length: elementCount(sizes) }, (_, at) => ((at * 7919) % 1000) / 1000 - 0.5);
      return [name, { dtype: "float32", dims: sizes, data } as const];
    }),
  );
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const start = performance.now();
    await session.run(feeds);
    if (repeat > 0) best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return best;
}

/** The first number of a value, in its shape. */
export function corner(value: Expr): Expr {
  return slice(value, {
    axes: value.dims.map((_, axis) => axis),
    starts: value.dims.map(() => 0),
    ends: value.dims.map(() => 1),
  });
}

export async function machineLimits(engine: Engine, repeats: number): Promise<Limits> {
  const side = 2048;
  const product = new GraphBuilder();
  const [a, b] = [product.input("a", "float32", [side, side]), product.input("b", "float32", [side, side])];
  const large = new GraphBuilder();
  const dims = [25, 1000, 1000];
  const [c, d] = [large.input("c", "float32", dims), large.input("d", "float32", dims)];
  return {
    gigaflops: (2 * side ** 3) / (await shortestTime(engine, product, matMul(a, b), repeats)) / 1e6,
    gigabytes: (3 * 4 * elementCount(dims)) / (await shortestTime(engine, large, add(c, d), repeats)) / 1e6,
  };
}

/** Multiply-adds of convolutions and matrix products for one image, forward; and of the first of them, which needs no input gradient. */
export function multiplyAdds(
  classifier: Classifier,
  shape: readonly [number, number, number],
): { all: number; first: number } {
  const { values } = inferShapes(classifier, shape);
  const counts = classifier.upgraded.graph.nodes.flatMap(({ op, inputs, outputs }) => {
    if (op !== "Conv" && op !== "Gemm" && op !== "MatMul") return [];
    const [out, a, b] = [outputs[0], inputs[0], inputs[1]].map((name) => values.get(name as string)?.dims as number[]);
    if (out === undefined || a === undefined || b === undefined) return [];
    const summed = op === "Conv" ? elementCount(b.slice(1)) : (a.at(-1) as number);
    return [(elementCount(out) / (out[0] as number)) * summed];
  });
  return { all: counts.reduce((sum, count) => sum + count, 0), first: counts[0] ?? 0 };
}
