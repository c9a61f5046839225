/** The files that the cases name, good ones and broken ones, all made here so that each shows what is wrong with it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import sharp from "sharp";
import { encodeNpy } from "../../src/data/index.js";
import type { Calibration } from "../../src/guard/index.js";
import { encodeModel, float, int, type Model, type Node, type Tensor } from "../../src/onnx/index.js";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type OperatorSetIdProto,
  type TensorProto,
} from "../../src/onnx/onnx_pb.js";
import { makeSegmentationFiles } from "./segmentation-files.js";

export async function makeFiles(folder: string): Promise<void> {
  const write = (name: string, content: string | Uint8Array) => writeFile(join(folder, name), content);
  await makeModels(write);
  await makeImages(folder, write);
  await makeArrays(write);
  await makeTexts(write);
  await makeSegmentationFiles(folder);
}

type Write = (name: string, content: string | Uint8Array) => Promise<void>;

const weights = (value: number): Tensor => ({
  dtype: "float32",
  dims: [3, 3],
  data: Float32Array.from({ length: 9 }, (_, index) => value * (index % 4 === 0 ? 1 : -0.25)),
});
const node = (op: string, inputs: string[], outputs: string[], more: Partial<Node> = {}): Node => ({
  name: `/${op}`,
  op,
  domain: "",
  inputs,
  outputs,
  attributes: {},
  ...more,
});

/** Mean colour times a 3x3 matrix: a classifier of three classes for images of 8x8. */
const classifier: Model = {
  graph: {
    name: "classifier",
    inputs: [{ name: "image", dtype: "float32", dims: ["N", 3, 8, 8] }],
    outputs: [{ name: "logits", dtype: "float32", dims: ["N", 3] }],
    nodes: [
      node("GlobalAveragePool", ["image"], ["pooled"]),
      node("Flatten", ["pooled"], ["features"], { attributes: { axis: int(1) } }),
      node("Gemm", ["features", "head.weight"], ["logits"], { attributes: { transB: int(1), alpha: float(1) } }),
    ],
    initializers: new Map([["head.weight", weights(8)]]),
  },
  opset: 18,
  imports: new Map([["", 18]]),
  irVersion: 8,
  producer: "test",
  metadata: new Map(),
};

const withGraph = (changes: Partial<Model["graph"]>): Model => ({
  ...classifier,
  graph: { ...classifier.graph, ...changes },
});

async function makeModels(write: Write): Promise<void> {
  const good = encodeModel(classifier);
  const [pool, flatten, gemm] = classifier.graph.nodes as [Node, Node, Node];
  await write("model.onnx", good);
  await write("truncated.onnx", good.subarray(0, good.length >> 1));
  await write("empty.onnx", "");
  await write("text.onnx", "this is not a model\n");
  // The writer refuses to make these, so they are made from its messages.
  const broken = (change: (graph: GraphProto, model: ModelProto) => void) => {
    const proto = fromBinary(ModelProtoSchema, good);
    change(proto.graph as GraphProto, proto);
    return toBinary(ModelProtoSchema, proto);
  };
  await write(
    "cyclic.onnx",
    broken(({ node }) => {
      (node[1] as NodeProto).input = ["logits"];
    }),
  );
  await write(
    "dangling.onnx",
    broken((graph) => {
      graph.initializer = [];
    }),
  );
  await write(
    "hostile.onnx",
    broken(({ initializer }) => {
      (initializer[0] as TensorProto).dims = [2_000_000n, 2_000_000n];
    }),
  );
  await write(
    "old.onnx",
    broken((_, { opsetImport }) => {
      (opsetImport[0] as OperatorSetIdProto).version = 6n;
    }),
  );
  const second = { name: "mask", dtype: "float32", dims: ["N", 1] } as const;
  await write("two-inputs.onnx", encodeModel(withGraph({ inputs: [...classifier.graph.inputs, second] })));
  const flat = [{ name: "image", dtype: "float32", dims: ["N", 192] }] as const;
  await write("no-images.onnx", encodeModel(withGraph({ inputs: flat })));
  const custom = node("FancyNorm", ["scaled"], ["logits"], { domain: "com.example" });
  await write(
    "unknown-operator.onnx",
    encodeModel({
      ...withGraph({ nodes: [pool, flatten, { ...gemm, outputs: ["scaled"] }, custom] }),
      imports: new Map([
        ["", 18],
        ["com.example", 1],
      ]),
    }),
  );
  await write("no-layers.onnx", encodeModel(withGraph({ nodes: [pool, { ...flatten, outputs: ["logits"] }] })));
  const pixelwise = [node("Conv", ["image", "head.weight"], ["logits"])];
  const kernel = { ...weights(1), dims: [3, 3, 1, 1] };
  await write(
    "segmentation.onnx",
    encodeModel(
      withGraph({
        nodes: pixelwise,
        initializers: new Map([["head.weight", kernel]]),
        outputs: [{ name: "logits", dtype: "float32", dims: ["N", 3, 8, 8] }],
      }),
    ),
  );
  await write(
    "overflows.onnx",
    encodeModel(withGraph({ initializers: new Map([["head.weight", weights(Infinity)]]) })),
  );
}

async function makeImages(folder: string, write: Write): Promise<void> {
  const png = (red: number, green: number, blue: number) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: red, g: green, b: blue } } })
      .png()
      .toBuffer();
  const colours = [await png(250, 20, 20), await png(20, 250, 20), await png(20, 20, 250), await png(90, 90, 90)];
  const classes = ["cat", "dog", "fox", "owl"];
  for (const [set, count] of [
    ["three-classes", 3],
    ["four-classes", 4],
  ] as const) {
    for (let label = 0; label < count; label++) {
      const place = join(folder, set, classes[label] as string);
      await mkdir(place, { recursive: true });
      for (const name of ["1.png", "2.png"]) await writeFile(join(place, name), colours[label] as Buffer);
    }
  }
  for (const set of ["empty", "no-images", "outliers", "with-corrupt"]) await mkdir(join(folder, set));
  for (let index = 0; index < 4; index++) await write(`outliers/${index}.png`, colours[index] as Buffer);
  await write("no-images/notes.txt", "nothing to see\n");
  await write("with-corrupt/1.png", colours[0] as Buffer);
  await write("with-corrupt/2.png", (colours[1] as Buffer).subarray(0, 60));
  await write("text.png", "this is not an image\n");
  await write("empty.jpg", "");
  await write("single.png", colours[0] as Buffer);
}

async function makeArrays(write: Write): Promise<void> {
  const scores = Float32Array.of(-3, -1, 2, 5);
  const good = encodeNpy(scores);
  await write("scores.npy", good);
  await write("nan-scores.npy", encodeNpy(Float32Array.of(1, Number.NaN, 3)));
  await write("infinite-scores.npy", encodeNpy(Float64Array.of(1, 2, -Infinity)));
  await write("no-scores.npy", encodeNpy(new Float32Array(0)));
  await write("matrix.npy", encodeNpy(scores, [2, 2]));
  await write("integers.npy", encodeNpy(Int32Array.of(1, 2)));
  await write("truncated.npy", good.subarray(0, good.length - 5));
  await write("text.npy", "1 2 3\n");
  await write("archive.npz", Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0));
  await write(
    "hostile.npy",
    Buffer.from(
      Buffer.from(good).toString("latin1").replace("(4,)", "(4444444444,)").replace("         ", ""),
      "latin1",
    ),
  );
  const pixels = new Float32Array(2 * 3 * 8 * 8).fill(0.5);
  pixels[200] = Number.NaN;
  await write("nan-pixels.npy", encodeNpy(pixels, [2, 3, 8, 8]));
  await write("bright-pixels.npy", encodeNpy(new Float32Array(3 * 8 * 8).fill(7), [1, 3, 8, 8]));

  const idx = (type: number, sizes: number[], bytes: number) => {
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.writeUInt32BE((type << 8) | sizes.length, 0);
    sizes.forEach((size, axis) => {
      header.writeUInt32BE(size, 4 + 4 * axis);
    });
    return Buffer.concat([header, Buffer.alloc(bytes)]);
  };
  await write("images.idx", idx(8, [4, 8, 8], 256));
  await write("labels.idx", idx(8, [3], 3));
  await write("truncated.idx", idx(8, [4, 8, 8], 100));
  await write("hostile.idx", idx(8, [0xffffffff, 0xffff, 0xffff], 16));

  const record = 3073;
  const cifar = Buffer.alloc(2 * record);
  await write("cifar.bin", cifar);
  await write("cut.bin", cifar.subarray(0, record + 100));
  const labelled = Buffer.from(cifar);
  labelled[record] = 7;
  await write("label-seven.bin", labelled);
}

/** Of the score energy, and another network. */
const calibrationOfAnother: Calibration = {
  ...{ score: "energy", dataset: "held-out", options: { temperature: 1 }, network: "0", part: "0" },
  ...{ normalization: "none", shape: [3, 8, 8], resize: null, alpha: 0.5, threshold: 1, count: 1, rank: 1, bound: 1 },
  ...{ false_alarms: null, detected: {}, scores: [1] },
};

async function makeTexts(write: Write): Promise<void> {
  await write("list.txt", "three-classes/cat/1.png 0\nmissing.png 1\n");
  await write("bad-list.txt", "three-classes/cat/1.png zero\n");
  await write("prior.json", JSON.stringify({ counts: [1, 2] }));
  await write("other-threshold.json", JSON.stringify(calibrationOfAnother));
  await write("broken-prior.json", '{"counts": [1, 2');
  await write("unknown-key.yaml", "model: model.onnx\nout: run\noutlier-bach: 64\n");
  await write("range.yaml", "model: model.onnx\nlr: -0.1\n");
  await write("twice.yaml", "lr: 0.1\nlr: 0.2\n");
  await write("broken.yaml", 'model: "model.onnx\nlr: 0.1\n');
  await write("list.yaml", "- model\n- out\n");
  await write("switch.yaml", "no-augment: maybe\n");
  await write("file", "a file where a folder is wanted\n");
}
