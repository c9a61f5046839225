import { describe, expect, test } from "vitest";
import { loadModel } from "../../test/gradients/run-model.js";
import { testImages } from "../../test/reference/nn-models.js";
import { OptionError } from "../errors.js";
import { findParameters, headLayer, selectParameters } from "../graph/index.js";
import { decodeModel, encodeModel, type Model } from "../onnx/index.js";
import {
  abstentionKey,
  architectures,
  createModel,
  createSegmentationModel,
  segmentationArchitectures,
  wideResNet,
} from "./index.js";

const small = { classes: 5, shape: [3, 32, 32], width: 1 / 16 } as const;
const values = (model: Model) =>
  new Map(
    [...model.graph.initializers]
      .filter(([name]) => !name.startsWith("constant_"))
      .map(([name, { data }]) => [name, data]),
  );

test.each(Object.entries(architectures))("%s: the same seed gives the same bits, another seed others", (_, network) => {
  expect(values(createModel(network, small, 9))).toEqual(values(createModel(network, small, 9)));
  expect(values(createModel(network, small, 9))).not.toEqual(values(createModel(network, small, 10)));
});

test("one more layer leaves the starting values of the others alone", () => {
  const plain = values(createModel(architectures.resnet18, small, 4));
  const more = values(createModel(architectures.resnet18, { ...small, projection: true }, 4));
  expect(more.size).toBe(plain.size + 4);
  for (const [name, data] of plain) expect(more.get(name), name).toEqual(data);
  const deeper = values(createModel(wideResNet(16, 1, 0.3), small, 4));
  for (const [name, data] of values(createModel(wideResNet(10, 1, 0.3), small, 4))) {
    expect(deeper.get(name), name).toEqual(data);
  }
});

test("no two parameters of a network start with the same numbers", () => {
  const drawn = [...values(createModel(architectures.resnet18, small, 4)).values()] as Float32Array[];
  const beginnings = drawn.filter((data) => new Set(data).size > 8).map((data) => data.slice(0, 8).join());
  expect(new Set(beginnings).size).toBe(beginnings.length);
});

describe("outputs", () => {
  test("abstention outputs of a classifier are an output of their own, those of a segmentation network follow the classes", async () => {
    const options = { ...small, abstention: 2 };
    const model = decodeModel(encodeModel(createModel(architectures.resnet20, options, 1)), "test.onnx");
    expect(model.graph.outputs).toMatchObject([
      { name: "logits", dims: ["N", 5] },
      { name: "abstention_logits", dims: ["N", 2] },
    ]);
    const plain = createModel(architectures.resnet20, small, 1);
    const first = (of: Model) => Array.from(of.graph.initializers.get("linear.weight")?.data as Float32Array);
    expect(first(model).slice(0, 5)).toEqual(first(plain).slice(0, 5));
    const scene = { ...small, shape: [3, 24, 40], abstention: 1 } as const;
    const segmentation = createSegmentationModel(segmentationArchitectures.espnet, { ...scene, width: 1 }, 1);
    expect(segmentation.graph.outputs[0]?.dims).toEqual(["N", 6, 24, 40]);
    expect(segmentation.metadata.get(abstentionKey)).toBe("1");
  });

  test("a projection has rows of length 1 beside unchanged logits", async () => {
    const images = { image: testImages(4, small.shape) };
    const run = async (projection: boolean) => {
      const loaded = await loadModel(createModel(architectures.vit, { ...small, projection }, 1));
      const results = await loaded.run(images);
      await loaded.close();
      return results;
    };
    const [with_, without] = [await run(true), await run(false)];
    expect(with_.get("logits")).toEqual(without.get("logits"));
    const projection = with_.get("projection");
    expect(projection?.dims).toEqual([4, 128]);
    const rows = projection?.data as Float32Array;
    for (let row = 0; row < 4; row++) expect(Math.hypot(...rows.slice(row * 128, row * 128 + 128))).toBeCloseTo(1, 5);
  });

  test("DeConf: logits are cosines over a number in (0, 1], and both are trained", async () => {
    const model = createModel(architectures["densenet-bc-100-12"], { ...small, deconf: true }, 1);
    const loaded = await loadModel(model);
    const results = await loaded.run({ image: testImages(3, small.shape) });
    await loaded.close();
    const cosine = results.get("cosine")?.data as Float32Array;
    const logits = results.get("logits")?.data as Float32Array;
    for (let image = 0; image < 3; image++) {
      const g = [0, 1, 2, 3, 4].map(
        (index) => (cosine[image * 5 + index] as number) / (logits[image * 5 + index] as number),
      );
      for (const value of g) {
        expect(value).toBeCloseTo(g[0] as number, 4);
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    }
    expect(Math.max(...cosine.map(Math.abs))).toBeLessThanOrEqual(1);
    const names = selectParameters(model.graph, "h.*,g.*").map(({ name }) => name);
    expect(names.sort()).toEqual(["g.0.bias", "g.0.weight", "g.1.bias", "g.1.weight", "h.weight"]);
  });

  test.each(Object.keys(segmentationArchitectures))("%s: `final.*` are the last parameters", (name) => {
    const network = segmentationArchitectures[name as keyof typeof segmentationArchitectures];
    const { graph } = createSegmentationModel(network, { ...small, shape: [3, 33, 41], width: 1 / 8 }, 1);
    const names = findParameters(graph).map((parameter) => parameter.name);
    const first = names.findIndex((parameter) => parameter.startsWith("final."));
    expect(first).toBeGreaterThan(0);
    expect(names.slice(first).every((parameter) => parameter.startsWith("final."))).toBe(true);
    expect(headLayer(graph)?.inputs[1]).toMatch(/^final\./);
    expect(graph.outputs[0]?.dims).toEqual(["N", 5, 33, 41]);
  });
});

test("Wide ResNets have one Dropout node between the convolutions of every block, which training finds by its name", () => {
  const { graph } = createModel(wideResNet(16, 2, 0.4), small, 1);
  const dropouts = graph.nodes.filter(({ op }) => op === "Dropout");
  expect(dropouts.map(({ name }) => name)).toEqual(
    [1, 2, 3].flatMap((block) => [0, 1].map((layer) => `block${block}.layer.${layer}.dropout`)),
  );
  for (const { inputs } of dropouts) {
    expect(graph.initializers.get(inputs[1] as string)?.data[0]).toBe(Math.fround(0.4));
  }
});

test.each([
  ["one class", { classes: 1 }, /two or more classes, got 1/],
  ["half an abstention output", { abstention: 0.5 }, /0 or more abstention outputs, got 0.5/],
  ["no width", { width: 0 }, /a factor in \(0, 64\], got 0/],
])("%s is refused", (_, changed, message) => {
  const create = () => createModel(architectures.resnet20, { ...small, ...changed }, 1);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});

test("networks that cannot be made for what is asked say so", () => {
  expect(() => createSegmentationModel(segmentationArchitectures.espnet, { ...small, classes: 4 }, 1)).toThrow(
    /5 or more outputs/,
  );
  expect(() => createModel(architectures.vit, { ...small, shape: [3, 30, 32] }, 1)).toThrow(
    /sizes that 4 divides, got 30x32/,
  );
});
