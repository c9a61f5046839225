// Numbers by test/reference/ensembles.py (PyTorch, float64): networks in one file and adjusted logits, on the demo's real images.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openDataset, parseNormalization } from "../src/data/index.js";
import {
  calibrate,
  dropoutEnsemble,
  ensembleModel,
  guardedModel,
  readyPart,
  scoreDataset,
} from "../src/guard/index.js";
import { readModel } from "../src/onnx/index.js";
import type { Model, Tensor } from "../src/onnx/types.js";
import { LocalEngine } from "../src/runtime/index.js";
import { asClassifier } from "../src/training/index.js";

const names = ["msp", "entropy", "energy"] as const;
type Scores = Readonly<Record<(typeof names)[number], readonly number[]>>;
const reference = JSON.parse(readFileSync(new URL("./reference/ensembles.json", import.meta.url), "utf8")) as {
  ensemble: Scores;
  dropout: { rate: number; masks: number[][]; scores: Scores };
  adjusted: { counts: number[]; logits: number[][] };
};
const asset = (name: string) => fileURLToPath(new URL(`../assets/demo/${name}`, import.meta.url));
const normalization = parseNormalization("0.485,0.456,0.406:0.229,0.224,0.225");
const sets = await Promise.all(
  ["cifar10-test", "textures"].map((name) => openDataset(`sheet:${asset(`${name}.json`)}?limit=4`)),
);
const model = await readModel(asset("resnet20-cifar10.onnx"));
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

/** The network with every kernel mirrored left and right. */
function mirrored(of: Model): Model {
  const initializers = new Map(
    [...of.graph.initializers].map(([name, tensor]): [string, Tensor] => {
      const width = tensor.dims[3];
      if (tensor.dims.length !== 4 || width === undefined || !(tensor.data instanceof Float32Array))
        return [name, tensor];
      const { data } = tensor;
      const turned = data.map((_, at) => data[at - (at % width) + (width - 1 - (at % width))] as number);
      return [name, { ...tensor, data: turned }];
    }),
  );
  return { ...of, graph: { ...of.graph, initializers } };
}

async function expectScores(of: Model, expected: Scores): Promise<void> {
  const classifier = asClassifier(of);
  const parts = names.map((name) => readyPart(name, 10));
  const found = await Promise.all(
    sets.map(async (images) => (await scoreDataset(engine, classifier, images, parts, { normalization })).scores),
  );
  for (const name of names) {
    const scores = found.flatMap((each) => [...(each[name] as Float32Array)]);
    expect(scores).toHaveLength(expected[name].length);
    scores.forEach((score, index) => {
      const wanted = expected[name][index] as number;
      // The energy of logarithms of probabilities is 0, but for rounding.
      expect(Math.abs(score - wanted), `${name} of image ${index}`).toBeLessThan(
        1e-5 * Math.max(Math.abs(wanted), 0.1),
      );
    });
  }
}

test("two networks in one file have the scores of their mean probabilities", async () => {
  const members = [model, mirrored(model)].map((each) => asClassifier(each));
  await expectScores(ensembleModel(members, [10, 10], ["one.onnx", "other.onnx"]), reference.ensemble);
});

test("thinned copies in one file have the scores of their mean probabilities", async () => {
  const { rate, masks, scores } = reference.dropout;
  const thinned = dropoutEnsemble(asClassifier(model), [3, 32, 32], { samples: masks.length, rate, seed: 1 });
  const initializers = new Map(thinned.graph.initializers);
  for (const [index, mask] of masks.entries()) {
    const [name, tensor] = [...initializers].find(([each]) => each.startsWith(`sample${index + 1}/mask of`)) as [
      string,
      Tensor,
    ];
    expect(tensor.data).toHaveLength(mask.length);
    initializers.set(name, { ...tensor, data: Float32Array.from(mask, (kept) => kept / (1 - rate)) });
  }
  await expectScores({ ...thinned, graph: { ...thinned.graph, initializers } }, scores);
});

test("adjusted logits of an exported file", async () => {
  const classifier = asClassifier(model);
  const energy = readyPart("energy", 10);
  const [known] = sets as [(typeof sets)[number]];
  const calibration = await calibrate(engine, classifier, energy, known, [], { normalization, alpha: 0.5, fresh: 0 });
  const { counts: classCounts, logits } = reference.adjusted;
  const guarded = asClassifier(guardedModel(classifier, energy, calibration, { normalization, classCounts }));
  const adjusted = { ...guarded, logits: "adjusted_logits" };
  const found = await Promise.all(
    sets.map(async (images) => (await scoreDataset(engine, adjusted, images, [], { normalization })).logits),
  );
  const values = found.flatMap((each) => [...each]);
  const size = Math.max(...logits.flat().map(Math.abs));
  expect(values).toHaveLength(80);
  values.forEach((value, at) => {
    expect(Math.abs(value - (logits.flat()[at] as number))).toBeLessThan(1e-5 * size);
  });
});
