import { afterAll, describe, expect, test } from "vitest";
import { reference, referenceNetwork, testScenes, trainScenes } from "../../../test/reference/segmentation-scores.js";
import { normalize } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { encodeModel } from "../../onnx/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { asClassifier } from "../../training/classifier.js";
import { anomalyMapOutput, anomalyMaskOutput, anomalyModel } from "./anomaly-model.js";
import { fitPixelScores } from "./fit-pixel-scores.js";
import { type PixelPart, readyPixelPart } from "./pixel-part.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const size = { height: reference.size[0], width: reference.size[1] };
const exported = (part: PixelPart, threshold: number, network = referenceNetwork()) =>
  anomalyModel(network, part, { classes: 4, size, threshold });

async function run(part: PixelPart, threshold: number, anySize: boolean) {
  const session = await engine.load(encodeModel(exported(part, threshold, referenceNetwork({ anySize }))));
  const { images } = await testScenes().read([0, 1, 3]);
  return session.run({ image: { dtype: "float32", dims: [3, 3, size.height, size.width], data: normalize(images) } });
}

const pixels = size.height * size.width;
/** Maps of the reference for scenes 0, 1 and 3. */
const expected = (name: keyof typeof reference.maps) => {
  const all = reference.maps[name];
  return [...all.slice(0, 2 * pixels), ...all.slice(3 * pixels)];
};

describe.each([false, true])("images of any size in the model's file: %s", (anySize) => {
  test("a batch of images gives the maps of the scores, and the mask where they reach the threshold", async () => {
    const outputs = await run(readyPixelPart("energy"), -3.5, anySize);
    expect(Object.keys(outputs)).toEqual(["logits", anomalyMapOutput, anomalyMaskOutput]);
    expect(outputs[anomalyMapOutput]?.dims).toEqual([3, 1, size.height, size.width]);
    const map = outputs[anomalyMapOutput]?.data as Float32Array;
    const own = expected("energy");
    map.forEach((value, at) => {
      expect(Math.abs(value - (own[at] as number))).toBeLessThan(1e-5);
    });
    expect(outputs[anomalyMaskOutput]?.dtype).toBe("bool");
    expect(Array.from(outputs[anomalyMaskOutput]?.data as Uint8Array)).toEqual(
      Array.from(map, (value) => Number(value >= -3.5)),
    );
  });

  test("a fitted score too", async () => {
    const [part] = await fitPixelScores(engine, referenceNetwork(), trainScenes(), ["mahalanobis"]);
    const map = (await run(part as PixelPart, 1, anySize))[anomalyMapOutput]?.data as Float32Array;
    const own = expected("mahalanobis");
    map.forEach((value, at) => {
      expect(Math.abs(value - (own[at] as number))).toBeLessThan(2e-5 * Math.max(...own));
    });
  });
});

test("the file says what it holds", () => {
  const { metadata } = exported(readyPixelPart("energy"), -2);
  expect(JSON.parse(metadata.get("offmap.anomaly") ?? "")).toEqual({
    ...{ score: "energy", options: { temperature: 1 }, threshold: -2, classes: 4 },
  });
});

test("a network that has an anomaly map already is refused", () => {
  const twice = asClassifier(exported(readyPixelPart("energy"), 0));
  expect(() => exported(readyPixelPart("energy"), 0, twice)).toThrow(OptionError);
  expect(() => exported(readyPixelPart("energy"), 0, twice)).toThrow('a model without a tensor "anomaly_map"');
});
