import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { OffmapError, UnsupportedError } from "../errors.js";
import {
  type Attribute,
  type Attributes,
  type DataType,
  decodeModel,
  elementCount,
  encodeModel,
  float,
  floats,
  type Graph,
  int,
  ints,
  type Model,
  type Node,
  type Tensor,
  text,
} from "../onnx/index.js";
import { tensorOf } from "../ops/expressions.js";
import { upgradeModel } from "./upgrade.js";

const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): Node => ({ name: `the ${op} of ${outputs[0]}`, op, domain: "", inputs, outputs, attributes });

interface Setup {
  readonly nodes: readonly Node[];
  /** Shape of the float input x. */
  readonly x?: readonly number[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly outputs?: Readonly<Record<string, DataType>>;
}

function modelOf(
  opset: number,
  { nodes, x = [2, 3, 4, 5], initializers = {}, outputs = { y: "float32" } }: Setup,
): Model {
  return {
    graph: {
      name: "g",
      inputs: [{ name: "x", dtype: "float32", dims: x }],
      outputs: Object.entries(outputs).map(([name, dtype]) => ({ name, dtype })),
      nodes,
      initializers: new Map(Object.entries(initializers)),
    },
    opset,
    imports: new Map([["", opset]]),
    irVersion: opset < 9 ? 3 : 7,
    producer: "test",
    metadata: new Map(),
  };
}

/** Deterministic numbers in [-2, 2), fine enough that no two are equal. */
function numbers(count: number, seed = 1): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

const weights = (dims: readonly number[], seed: number): Tensor => ({
  dtype: "float32",
  dims,
  data: numbers(elementCount(dims), seed),
});
const positive = (dims: readonly number[], seed: number): Tensor => ({
  dtype: "float32",
  dims,
  data: numbers(elementCount(dims), seed).map((value) => Math.abs(value) + 0.5),
});

type Results = Record<string, { dims: readonly number[]; data: unknown }>;

async function run(model: Model, feeds: Record<string, ort.Tensor>): Promise<Results> {
  // Optimizations could compute one of the two models in another order.
  const options = { logSeverityLevel: 4, graphOptimizationLevel: "disabled" } as const;
  const session = await ort.InferenceSession.create(encodeModel(model), options);
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { dims, data }]) => [name, { dims, data }]));
}

async function expectSame(model: Model, feeds?: Record<string, ort.Tensor>): Promise<Model> {
  const dims = model.graph.inputs[0]?.dims as number[];
  const given = feeds ?? { x: new ort.Tensor("float32", numbers(elementCount(dims)), dims) };
  const upgraded = upgradeModel(model);
  expect(upgraded.opset).toBe(18);
  expect(await run(upgraded, given)).toEqual(await run(model, given));
  return upgraded;
}

const int64 = (values: readonly number[]) => tensorOf(values, "int64", [values.length]);
const scales = (...values: number[]) => tensorOf(values, "float32", [values.length]);
const ramp = { k: weights([4], 9) };

type Case = readonly [title: string, opsets: readonly number[], setup: Setup];

const reductionOps = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"];
const reductionCases = reductionOps.flatMap((kind): Case[] => {
  // The logarithm needs positive sums.
  const reduce = (attributes: Attributes): Setup => ({
    nodes: [node("Abs", ["x"], ["a"]), node(`Reduce${kind}`, ["a"], ["y"], attributes)],
  });
  const opsets = kind === "Sum" ? [7, 9, 11, 12] : [7, 9, 11, 13, 17];
  return [
    [`Reduce${kind} with axes`, opsets, reduce({ axes: ints([1, 3]), keepdims: int(0) })],
    [`Reduce${kind} over everything`, opsets, reduce({})],
  ];
});

const softmaxCases = ["Softmax", "LogSoftmax", "Hardmax"].flatMap((op): Case[] => [
  ...[0, 1, 2, 3].map(
    (axis): Case => [
      `${op} at axis ${axis}`,
      [7, 10, 11, 12],
      { nodes: [node(op, ["x"], ["y"], { axis: int(axis) })] },
    ],
  ),
  [`${op} without an axis`, [7, 12], { nodes: [node(op, ["x"], ["y"])] }],
  [`${op} at a negative axis`, [11, 12], { nodes: [node(op, ["x"], ["y"], { axis: int(-2) })] }],
  [`${op} of a matrix`, [7, 12], { nodes: [node("Flatten", ["x"], ["f"]), node(op, ["f"], ["y"])] }],
]);

const batchNormInputs = (dims: readonly number[]) => ({
  scale: weights(dims, 2),
  bias: weights(dims, 3),
  mean: weights(dims, 4),
  variance: positive(dims, 5),
});
const batchNorm = (outputs: readonly string[], attributes: Attributes = {}) =>
  node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], outputs, attributes);

const nearestOrLinear = ["nearest", "linear"];
const factors: readonly (readonly number[])[] = [
  [1, 1, 2, 2],
  [1, 1, 1.5, 2.6],
  [1, 1, 3, 1],
];
const resizeCases = nearestOrLinear.flatMap((mode): Case[] => [
  ...factors.flatMap((by): Case[] => [
    [
      `Upsample ${mode} by ${by}`,
      [7, 8],
      { nodes: [node("Upsample", ["x"], ["y"], { mode: text(mode), scales: floats(by) })] },
    ],
    [
      `Upsample ${mode} by ${by}`,
      [9],
      { nodes: [node("Upsample", ["x", "s"], ["y"], { mode: text(mode) })], initializers: { s: scales(...by) } },
    ],
  ]),
  ...[...factors, [1, 1, 0.5, 0.6], [1, 1, 0.7, 1], [1, 1, 2.3, 0.6]].map(
    (by): Case => [
      `Resize ${mode} by ${by}`,
      [10],
      { nodes: [node("Resize", ["x", "s"], ["y"], { mode: text(mode) })], initializers: { s: scales(...by) } },
    ],
  ),
  ...["half_pixel", "align_corners", "asymmetric"].map((coordinates): Case => {
    const attributes = { mode: text(mode), coordinate_transformation_mode: text(coordinates) };
    const empty = tensorOf([], "float32", [0]);
    return [
      `Resize ${mode} to sizes, ${coordinates}`,
      [11, 12, 13, 17],
      {
        nodes: [node("Resize", ["x", "roi", "none", "sizes"], ["y"], attributes)],
        initializers: { roi: empty, none: empty, sizes: int64([2, 3, 7, 3]) },
      },
    ];
  }),
  [
    `Resize ${mode} by scales with an empty region`,
    [11, 13, 17],
    {
      nodes: [
        node("Constant", [], ["roi"], { value: { kind: "tensor", value: tensorOf([], "float32", [0]) } }),
        node("Resize", ["x", "roi", "s"], ["y"], { mode: text(mode) }),
      ],
      initializers: { s: scales(1, 1, 1.7, 0.6) },
    },
  ],
]);

const cases: readonly Case[] = [
  ...reductionCases,
  ...softmaxCases,
  ...resizeCases,
  ["Squeeze", [7, 11, 12], { x: [1, 3, 1, 5], nodes: [node("Squeeze", ["x"], ["y"], { axes: ints([0, 2]) })] }],
  ["Squeeze of every size 1", [7, 12], { x: [1, 3, 1, 5], nodes: [node("Squeeze", ["x"], ["y"])] }],
  ["Unsqueeze", [7, 11, 12], { nodes: [node("Unsqueeze", ["x"], ["y"], { axes: ints([0, 3]) })] }],
  [
    "Split into sizes",
    [7, 11, 12],
    {
      nodes: [node("Split", ["x"], ["y", "z"], { axis: int(3), split: ints([1, 4]) })],
      outputs: { y: "float32", z: "float32" },
    },
  ],
  [
    "Split into equal parts",
    [7, 11, 12, 13, 17],
    { nodes: [node("Split", ["x"], ["y", "z"], { axis: int(2) })], outputs: { y: "float32", z: "float32" } },
  ],
  [
    "Split by an input",
    [13, 17],
    {
      nodes: [node("Split", ["x", "sizes"], ["y", "z"], { axis: int(2) })],
      initializers: { sizes: int64([3, 1]) },
      outputs: { y: "float32", z: "float32" },
    },
  ],
  [
    "Slice with axes",
    [7, 9],
    { nodes: [node("Slice", ["x"], ["y"], { axes: ints([1, 3]), starts: ints([1, -3]), ends: ints([2 ** 63, -1]) })] },
  ],
  [
    "Slice without axes",
    [7, 9],
    { nodes: [node("Slice", ["x"], ["y"], { starts: ints([0, 1]), ends: ints([1, 3]) })] },
  ],
  [
    "TopK",
    [7, 9],
    { nodes: [node("TopK", ["x"], ["y", "i"], { axis: int(2), k: int(2) })], outputs: { y: "float32", i: "int64" } },
  ],
  [
    "TopK",
    [10, 11],
    {
      nodes: [node("TopK", ["x", "k"], ["y", "i"], { axis: int(2) })],
      initializers: { k: int64([2]) },
      outputs: { y: "float32", i: "int64" },
    },
  ],
  ["Clip on both sides", [7, 10], { nodes: [node("Clip", ["x"], ["y"], { min: float(-0.5), max: float(1) })] }],
  ["Clip below", [7, 10], { nodes: [node("Clip", ["x"], ["y"], { min: float(0.25) })] }],
  ["Clip above", [7, 10], { nodes: [node("Clip", ["x"], ["y"], { max: float(0.25) })] }],
  ["Clip without limits", [7, 10], { nodes: [node("Clip", ["x"], ["y"])] }],
  ...["constant", "reflect", "edge"].map(
    (mode): Case => [
      `Pad ${mode}`,
      [7, 10],
      {
        nodes: [
          node("Pad", ["x"], ["y"], {
            mode: text(mode),
            pads: ints([0, 0, 1, 2, 0, 0, 2, 1]),
            ...(mode === "constant" ? { value: float(0.5) } : {}),
          }),
        ],
      },
    ],
  ),
  ["Pad that crops", [7, 10], { nodes: [node("Pad", ["x"], ["y"], { pads: ints([0, 0, -1, 2, 0, 0, 0, -1]) })] }],
  ["Dropout", [7, 9, 10, 11], { nodes: [node("Dropout", ["x"], ["y"], { ratio: float(0.3) })] }],
  ["Dropout with a mask that nothing reads", [7, 10], { nodes: [node("Dropout", ["x"], ["y", "mask"])] }],
  [
    "BatchNormalization",
    [7, 9, 13, 14],
    { nodes: [batchNorm(["y"], { epsilon: float(0.01) })], initializers: batchNormInputs([3]) },
  ],
  [
    "BatchNormalization in training",
    [7, 9, 13],
    {
      nodes: [batchNorm(["y", "m", "v", "sm", "sv"], { momentum: float(0.7) })],
      initializers: batchNormInputs([3]),
      outputs: { y: "float32", m: "float32", v: "float32" },
    },
  ],
  [
    "BatchNormalization that says spatial",
    [7, 8],
    { nodes: [batchNorm(["y"], { spatial: int(1) })], initializers: batchNormInputs([3]) },
  ],
  [
    "BatchNormalization per activation",
    [7, 8],
    { nodes: [batchNorm(["y"], { spatial: int(0) })], initializers: batchNormInputs([3, 4, 5]) },
  ],
  [
    "Scatter",
    [9, 10],
    {
      x: [3, 4],
      nodes: [node("Scatter", ["x", "i", "u"], ["y"], { axis: int(1) })],
      initializers: { i: tensorOf([0, 2, 3, 1], "int64", [2, 2]), u: weights([2, 2], 7) },
    },
  ],
  [
    "RoiAlign",
    [10, 15],
    {
      nodes: [node("RoiAlign", ["x", "rois", "batch"], ["y"], { output_height: int(2), output_width: int(2) })],
      initializers: { rois: tensorOf([0, 0, 3, 3, 1, 1, 4, 3], "float32", [2, 4]), batch: int64([0, 1]) },
    },
  ],
  // Operators that need no conversion, because later versions only added to them.
  [
    "AveragePool with ceil_mode",
    [10, 11],
    {
      nodes: [
        node("AveragePool", ["x"], ["y"], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) }),
      ],
    },
  ],
  [
    "AveragePool",
    [7],
    {
      nodes: [
        node("AveragePool", ["x"], ["y"], {
          kernel_shape: ints([2, 2]),
          pads: ints([1, 1, 0, 0]),
          count_include_pad: int(1),
        }),
      ],
    },
  ],
  [
    "MaxPool with indices",
    [8, 10, 11],
    {
      nodes: [node("MaxPool", ["x"], ["y", "i"], { kernel_shape: ints([2, 2]) })],
      outputs: { y: "float32", i: "int64" },
    },
  ],
  [
    "Gemm",
    [7, 9],
    {
      x: [2, 3],
      nodes: [node("Gemm", ["x", "w", "b"], ["y"], { alpha: float(0.5) })],
      initializers: { w: weights([3, 4], 2), b: weights([4], 3) },
    },
  ],
  [
    "Gemm without C",
    [11, 13],
    { x: [2, 3], nodes: [node("Gemm", ["x", "w"], ["y"])], initializers: { w: weights([3, 4], 2) } },
  ],
  ["Cast", [7, 9, 13], { nodes: [node("Cast", ["x"], ["y"], { to: int(6) })], outputs: { y: "int32" } }],
  [
    "Constant of every form",
    [12],
    {
      nodes: [
        node("Constant", [], ["a"], { value_float: float(2) }),
        node("Constant", [], ["b"], { value_floats: floats([1, 2, 3, 4, 5]) }),
        node("Mul", ["x", "a"], ["p"]),
        node("Add", ["p", "b"], ["y"]),
      ],
    },
  ],
  [
    "ConstantOfShape",
    [9],
    {
      nodes: [
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["c"], { value: { kind: "tensor", value: scales(3) } }),
        node("Add", ["x", "c"], ["y"]),
      ],
    },
  ],
  ["Expand", [8, 12], { x: [3, 1], nodes: [node("Expand", ["x", "s"], ["y"])], initializers: { s: int64([2, 3, 4]) } }],
  [
    "Where",
    [9, 15],
    {
      nodes: [
        node("Cast", ["x"], ["c"], { to: int(9) }),
        node("Neg", ["x"], ["n"]),
        node("Where", ["c", "x", "n"], ["y"]),
      ],
    },
  ],
  [
    "OneHot",
    [9, 11],
    {
      x: [3],
      nodes: [node("Cast", ["x"], ["i"], { to: int(7) }), node("OneHot", ["i", "d", "v"], ["y"])],
      initializers: { d: int64([4]), v: scales(0, 1) },
    },
  ],
  ["CumSum", [11, 13], { nodes: [node("CumSum", ["x", "a"], ["y"])], initializers: { a: int64([1]) } }],
  [
    "GatherND",
    [11, 12],
    { nodes: [node("GatherND", ["x", "i"], ["y"])], initializers: { i: tensorOf([0, 1, 1, 2], "int64", [2, 2]) } },
  ],
  [
    "PRelu",
    [7, 9],
    {
      nodes: [node("Transpose", ["x"], ["t"], { perm: ints([0, 1, 3, 2]) }), node("PRelu", ["t", "k"], ["y"])],
      initializers: ramp,
    },
  ],
  [
    "LSTM",
    [7, 13],
    {
      x: [4, 2, 3],
      nodes: [node("LSTM", ["x", "w", "r"], ["y"], { hidden_size: int(2) })],
      initializers: { w: weights([1, 8, 3], 2), r: weights([1, 8, 2], 3) },
    },
  ],
];

const expanded = cases.flatMap(([title, opsets, setup]) => opsets.map((opset) => ({ title, opset, setup })));

describe("ONNX Runtime computes the same numbers, to the bit, after the upgrade of", () => {
  test.each(expanded)("$title from operator set $opset", async ({ opset, setup }) => {
    await expectSame(modelOf(opset, setup));
  });
});

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/onnx/${name}`, import.meta.url)));

test.each([9, 11, 13, 16])(
  "a network that PyTorch exported at operator set %i gives PyTorch's output after the upgrade",
  async (opset) => {
    const { input, dims, output } = JSON.parse(new TextDecoder().decode(fixture("torch.json"))) as Record<
      string,
      number[]
    >;
    const image = new ort.Tensor("float32", input as number[], dims as number[]);
    const upgraded = await expectSame(decodeModel(fixture(`torch-${opset}.onnx`), `torch-${opset}.onnx`), { image });
    const results = await run(upgraded, { image });
    const got = results.probabilities?.data as Float32Array;
    expect(got).toHaveLength(output?.length ?? 0);
    output?.forEach((value, index) => {
      expect(Math.abs((got[index] as number) - value)).toBeLessThan(1e-6);
    });
  },
);

const opsOf = (model: Model) => model.graph.nodes.map(({ op }) => op);

test("a softmax over the last axis stays one node, also where only the nodes before it tell the rank", () => {
  const model = modelOf(9, {
    nodes: [
      node("GlobalAveragePool", ["x"], ["p"]),
      node("Flatten", ["p"], ["f"]),
      node("Gemm", ["f", "w", "b"], ["l"]),
      node("Relu", ["l"], ["r"]),
      node("Softmax", ["r"], ["y"]),
    ],
    initializers: { w: weights([3, 4], 2), b: weights([4], 3) },
  });
  expect(opsOf(upgradeModel(model)).slice(-2)).toEqual(["Relu", "Softmax"]);
});

test("a deep residual network is upgraded in linear time", () => {
  const blocks = Array.from({ length: 5000 }, (_, index) => node("Add", [`t${index}`, `t${index}`], [`t${index + 1}`]));
  const nodes = [node("Exp", ["x"], ["t0"]), ...blocks, node("Softmax", ["t5000"], ["y"], { axis: int(3) })];
  expect(opsOf(upgradeModel(modelOf(9, { nodes }))).at(-1)).toBe("Softmax");
});

test("a model of operator set 18 or newer is returned as it is", () => {
  for (const opset of [18, 21]) {
    const model = modelOf(opset, { nodes: [node("Relu", ["x"], ["y"])] });
    expect(upgradeModel(model)).toBe(model);
  }
});

test("the limits of Clip and the value of Pad take the element type of their data", async () => {
  const nodes = [
    node("Cast", ["x"], ["h"], { to: int(10) }),
    node("Clip", ["h"], ["c"], { min: float(-0.5), max: float(0.75) }),
    node("Pad", ["c"], ["p"], { pads: ints([0, 0, 0, 1, 0, 0, 0, 0]), value: float(0.25) }),
    node("Cast", ["p"], ["d"], { to: int(11) }),
    // ONNX Runtime has no Clip of float64 before operator set 12, but the type must still be right.
    node("Cast", ["d"], ["y"], { to: int(1) }),
  ];
  // ONNX Runtime has no float16 kernels for these old operators on the CPU: the expected numbers are computed here.
  const x = [-1, -0.5, 0.5, 1];
  const upgraded = upgradeModel(modelOf(10, { x: [1, 1, 1, 4], nodes }));
  const results = await run(upgraded, { x: new ort.Tensor("float32", x, [1, 1, 1, 4]) });
  expect(results.y?.data).toEqual(new Float32Array([0.25, -0.5, -0.5, 0.5, 0.75]));
});

test("new tensors avoid the names that the model uses already", async () => {
  const model = modelOf(9, {
    nodes: [
      node("Add", ["x", "the ReduceMean of y_axes"], ["a"]),
      node("ReduceMean", ["a"], ["y"], { axes: ints([2]) }),
    ],
    initializers: { "the ReduceMean of y_axes": scales(5) },
  });
  await expectSame(model);
});

test("nodes inside the branches of If are converted, and see the constants outside", async () => {
  const branch = (name: string, nodes: readonly Node[]): Attribute => ({
    kind: "graph",
    value: {
      name,
      inputs: [],
      outputs: [{ name: `${name}_y`, dtype: "float32" }],
      nodes,
      initializers: new Map(),
    } satisfies Graph,
  });
  const model = modelOf(10, {
    x: [1, 1, 4, 6],
    nodes: [
      node("ReduceSum", ["x"], ["total"], { keepdims: int(0) }),
      node("Cast", ["total"], ["condition"], { to: int(9) }),
      node("If", ["condition"], ["y"], {
        then_branch: branch("then", [
          node("Resize", ["x", "s"], ["then_r"]),
          node("ReduceMax", ["then_r"], ["then_y"], { axes: ints([1]) }),
        ]),
        else_branch: branch("else", [
          node("Resize", ["x", "s"], ["else_r"]),
          node("ReduceMin", ["else_r"], ["else_y"], { axes: ints([1]) }),
        ]),
      }),
    ],
    initializers: { s: scales(1, 1, 0.5, 0.5) },
  });
  await expectSame(model);
});

test("a model of IR version 3 becomes one whose initializers are constants", async () => {
  const upgraded = await expectSame(
    modelOf(8, { nodes: [node("Add", ["x", "w"], ["y"])], initializers: { w: weights([5], 2) } }),
  );
  expect(upgraded.irVersion).toBe(8);
  const session = await ort.InferenceSession.create(encodeModel(upgraded));
  expect(session.inputNames).toEqual(["x"]);
});

const refused: readonly (readonly [string, number, Setup, RegExp])[] = [
  [
    "Dropout whose mask is read",
    10,
    { nodes: [node("Dropout", ["x"], ["y", "mask"])], outputs: { y: "float32", mask: "bool" } },
    /node "the Dropout of y" \(Dropout\).*mask is used/,
  ],
  [
    "BatchNormalization whose saved statistics are read",
    9,
    {
      nodes: [batchNorm(["y", "m", "v", "sm", "sv"])],
      initializers: batchNormInputs([3]),
      outputs: { y: "float32", sm: "float32" },
    },
    /node "the BatchNormalization of y".*saves for a gradient are used/,
  ],
  [
    "BatchNormalization that trains per activation",
    8,
    { nodes: [batchNorm(["y", "m", "v"], { spatial: int(0) })], initializers: batchNormInputs([3, 4, 5]) },
    /node "the BatchNormalization of y".*trains statistics per activation/,
  ],
  [
    "nearest Resize 10 with computed scales",
    10,
    {
      x: [4],
      nodes: [node("Exp", ["x"], ["s"]), node("Resize", ["d", "s"], ["y"])],
      initializers: { d: weights([1, 1, 2, 2], 2) },
    },
    /node "the Resize of y".*scales are computed/,
  ],
  [
    "Resize in a mode that was removed",
    11,
    {
      nodes: [node("Resize", ["x", "s", "s"], ["y"], { coordinate_transformation_mode: text("tf_half_pixel_for_nn") })],
      initializers: { s: scales(1, 1, 2, 2) },
    },
    /tf_half_pixel_for_nn was removed/,
  ],
  [
    "Scan of operator set 8",
    8,
    { nodes: [node("Scan", ["", "x"], ["y"])] },
    /node "the Scan of y".*from operator set 8 to 18.*batch axis/,
  ],
];

test.each(refused)("%s is refused, naming the node", (_title, opset, setup, message) => {
  expect(() => upgradeModel(modelOf(opset, setup))).toThrow(UnsupportedError);
  expect(() => upgradeModel(modelOf(opset, setup))).toThrow(message);
});

test("a model with functions of its own is refused, because their bodies would keep the old operator set", () => {
  expect(() => upgradeModel(decodeModel(fixture("everything.onnx"), "it"))).toThrow(/function "Twice"/);
});

test("a damaged model is upgraded or refused, never an error of another kind", () => {
  const whole = fixture("torch-9.onnx");
  for (let at = 0; at < whole.length; at += 3) {
    const bytes = whole.slice();
    bytes[at] = (bytes[at] as number) ^ 0x05;
    try {
      encodeModel(upgradeModel(decodeModel(bytes, "damaged")));
    } catch (error) {
      if (!(error instanceof OffmapError)) throw error;
    }
  }
});
