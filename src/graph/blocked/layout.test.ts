import { afterAll, describe, expect, test } from "vitest";
import { encodeModel } from "../../onnx/index.js";
import { type Attributes, int, ints, type Tensor } from "../../onnx/types.js";
import {
  add,
  concat,
  type Expr,
  first,
  matMul,
  mul,
  relu,
  reshape,
  square,
  sum,
  tensorOf,
  trainingBatchNorm,
} from "../../ops/index.js";
import { blockSize, LocalEngine } from "../../runtime/index.js";
import { GraphBuilder } from "../builder.js";
import { gradients } from "../differentiate.js";
import { blockedLayout } from "./layout.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());
const block = await blockSize(engine);
const images = 16;

/** A network under construction: parameters and inputs with values, which every construction makes alike. */
class Network {
  readonly parameters: Expr[] = [];
  readonly values: Record<string, Tensor> = {};
  private seed = 1;

  constructor(readonly graph: GraphBuilder) {}

  input(name: string, dims: readonly number[], scale = 1, shift = 0): Expr {
    const count = dims.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, () => shift + scale * this.noise());
    this.values[name] = tensorOf(values, "float32", dims);
    return this.graph.input(name, "float32", dims);
  }

  parameter(name: string, dims: readonly number[], scale = 1, shift = 0): Expr {
    const value = this.input(name, dims, scale, shift);
    this.parameters.push(value);
    return value;
  }

  conv(name: string, x: Expr, outputs: number, attributes: Attributes = {}, group = 1): Expr {
    const inputs = (x.dims[1] as number) / group;
    const w = this.parameter(`${name}.w`, [outputs, inputs, 3, 3], 1 / Math.sqrt(9 * inputs));
    // In front of batch statistics a bias has no effect, and its gradient is nothing but rounding.
    const bias = ["stem", "before", "last"].some((start) => name.startsWith(start))
      ? undefined
      : this.parameter(`${name}.b`, [outputs], 0.1);
    const all = { pads: ints([1, 1, 1, 1]), group: int(group), ...attributes };
    return first(x.builder.op("Conv", [x, w, bias], all));
  }

  batchNorm(name: string, x: Expr): Expr {
    const channels = x.dims[1] as number;
    const [scale, bias] = [
      this.parameter(`${name}.scale`, [channels], 0.2, 1),
      this.parameter(`${name}.bias`, [channels], 0.2),
    ];
    return trainingBatchNorm(x, scale, bias, 1e-5).y;
  }

  frozenNorm(name: string, x: Expr): Expr {
    const channels = x.dims[1] as number;
    const of = (part: string, shift: number) => this.parameter(`${name}.${part}`, [channels], 0.2, shift);
    return first(
      x.builder.op("BatchNormalization", [x, of("scale", 1), of("bias", 0), of("mean", 0), of("variance", 1)]),
    );
  }

  noise(): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return this.seed / 2 ** 31 - 1;
  }
}

type Design = (net: Network) => Expr;

/** Everything the pass knows: stem of 3 channels, residual, stride, dilation, depthwise, both kinds of BatchNorm, an odd width. */
function everything(net: Network): Expr {
  const image = net.input("image", [images, 3, 9, 8]);
  const stem = relu(net.batchNorm("stem.norm", net.conv("stem", image, 16)));
  const inner = relu(net.conv("inner", stem, 16));
  const residual = relu(add(net.frozenNorm("outer.norm", net.conv("outer", inner, 16)), stem));
  const down = relu(net.conv("down", residual, 32, { strides: ints([2, 2]) }));
  const wide = net.conv("wide", down, 32, { dilations: ints([2, 2]), pads: ints([2, 2, 2, 2]) });
  const gate = first(wide.builder.op("Sigmoid", [net.conv("depthwise", wide, 32, {}, 32)]));
  // 24 channels fill no block of 16, so this convolution stays plain.
  const odd = net.conv("odd", relu(mul(wide, gate)), 24);
  return relu(net.conv("back", odd, 16));
}

/** Convolutions, sums, products, joins and normalizations of values picked at random: what nobody thought of. */
function randomly(seed: number): Design {
  return (net) => {
    const pick = (count: number) => Math.min(count - 1, Math.floor(((net.noise() + 1) / 2) * count));
    for (let skipped = 0; skipped < 7 * seed; skipped++) net.noise();
    const values = [16, 16, 32].map((channels, index) =>
      net.conv(`in${index}`, net.input(`x${index}`, [images, 3, 6, 5]), channels),
    );
    const any = () => values[pick(values.length)] as Expr;
    const like = (x: Expr) => {
      const fitting = values.filter(({ dims }) => dims[1] === x.dims[1]);
      return fitting[pick(fitting.length)] as Expr;
    };
    for (let step = 0; step < 12; step++) {
      const x = any();
      const kinds: (() => Expr)[] = [
        () => net.conv(`conv${step}`, x, [16, 24, 32][pick(3)] as number),
        () => add(x, like(x)),
        () =>
          add(
            add(net.conv(`left${step}`, any(), 16), net.conv(`right${step}`, any(), 16)),
            net.conv(`third${step}`, any(), 16),
          ),
        () => relu(x),
        () => relu(add(net.conv(`branch${step}`, any(), x.dims[1] as number), x)),
        () => mul(x, like(x)),
        () => concat([x, any()], 1),
        () => net.frozenNorm(`frozen${step}`, x),
        () => net.batchNorm(`batch${step}`, net.conv(`before${step}`, x, 32)),
      ];
      values.push((kinds[pick(kinds.length)] as () => Expr)());
    }
    return net.batchNorm("end", net.conv("last", concat(values.slice(-4), 1), 16));
  };
}

function build(graph: GraphBuilder, design: Design) {
  const net = new Network(graph);
  const back = design(net);
  const pooled = reshape(first(back.builder.op("GlobalAveragePool", [square(back)])), [images, 16]);
  const logits = matMul(pooled, net.parameter("head", [16, 4]));
  const loss = sum(square(logits));
  const slopes = gradients(graph, loss, net.parameters);
  const outputs: Record<string, Expr> = { loss, back };
  net.parameters.forEach(({ name }, index) => {
    outputs[`d ${name}`] = slopes[index] as Expr;
  });
  return { outputs, values: net.values };
}

async function run(graph: GraphBuilder, outputs: Readonly<Record<string, Expr>>, values: Record<string, Tensor>) {
  const session = await engine.load(encodeModel(graph.model(outputs)));
  const copies = Object.entries(values).map(
    ([name, x]) => [name, { ...x, data: (x.data as Float32Array).slice() }] as const,
  );
  const results = await session.run(Object.fromEntries(copies));
  await session.release();
  return results;
}

/** Compares every output and gradient with those of the plain graph, relative to the tensor's largest element. */
async function expectUnchanged(design: Design, tolerance: number): Promise<void> {
  const plainGraph = new GraphBuilder();
  const plain = build(plainGraph, design);
  const expected = await run(plainGraph, plain.outputs, plain.values);
  const source = new GraphBuilder(18, block);
  const { outputs, values } = build(source, design);
  const built = blockedLayout(source, outputs, block as number);
  const got = await run(built.graph, built.outputs, values);
  for (const [name, { data, dims }] of Object.entries(expected)) {
    const [a, b] = [data as Float32Array, got[name]?.data as Float32Array];
    const size = Math.max(...a.map(Math.abs));
    const worst = Math.max(...a.map((value, index) => Math.abs(value - (b[index] as number))));
    expect(got[name]?.dims).toEqual(dims);
    if (size > 0) expect(worst / size, name).toBeLessThan(tolerance);
  }
}

describe.skipIf(block === undefined)("blocked layout", () => {
  test("changes no output and no gradient beyond rounding", async () => {
    await expectUnchanged(everything, 5e-6);
  });

  test("keeps every term of a sum of several convolutions", async () => {
    const terms: Design = (net) => {
      const x = net.conv("stem", net.input("image", [images, 3, 6, 5]), 16);
      const [a, b, c] = ["a", "b", "c"].map((name) => net.conv(name, x, 16)) as [Expr, Expr, Expr];
      return add(add(add(a, b), square(x)), add(c, relu(x)));
    };
    await expectUnchanged(terms, 5e-6);
  });

  test.each(Array.from({ length: 24 }, (_, seed) => seed))("changes nothing in random network %i", async (seed) => {
    await expectUnchanged(randomly(seed), 1e-4);
  });

  test("leaves blocks only where something needs a plain tensor", () => {
    const source = new GraphBuilder(18, block);
    const x = source.input("x", "float32", [images, 16, 8, 8]);
    const w = source.input("w", "float32", [16, 16, 3, 3]);
    const conv = (value: Expr) => first(source.op("Conv", [value, w], { pads: ints([1, 1, 1, 1]) }));
    const y = relu(add(conv(relu(conv(x))), x));
    const [dw] = gradients(source, sum(square(y)), [w]) as [Expr];
    const built = blockedLayout(source, { dw }, block as number);
    const nodes = built.graph.neededFor(Object.values(built.outputs)).map(({ node }) => node);
    const plainConvs = nodes.filter(({ op, domain }) => op === "Conv" && domain === "");
    const fused = nodes.filter(({ attributes }) => attributes.activation !== undefined);
    expect(plainConvs).toEqual([]);
    expect(nodes.filter(({ op }) => op === "Where")).toEqual([]);
    expect(fused).toHaveLength(1);
    // The sums of both weight gradients; everything between the convolutions stays in blocks.
    expect(nodes.filter(({ op }) => op === "ReorderOutput")).toHaveLength(2);
  });
});
