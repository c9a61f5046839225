// Numbers by test/reference/pixel-losses.py (PyTorch, float64). One test body for every loss, option and kind of batch.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runModel } from "../../../test/gradients/run-model.js";
import { OptionError, UnsupportedError } from "../../errors.js";
import { GraphBuilder } from "../../graph/builder.js";
import { gradients } from "../../graph/differentiate.js";
import { type Expr, tensorOf } from "../../ops/index.js";
import { checkRanges, type Ranges } from "../ranges.js";
import { type PixelLossDefinition, type PixelLossName, pixelLosses } from "./index.js";

interface Case {
  readonly scene: string;
  readonly loss: PixelLossName;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly confident: boolean;
  readonly value: number;
  readonly logitsGradient: readonly number[];
  readonly headGradient?: readonly number[];
}

const reference = JSON.parse(
  readFileSync(new URL("../../../test/reference/pixel-losses.json", import.meta.url), "utf8"),
) as {
  readonly classes: number;
  readonly dims: readonly [number, number, number];
  readonly prior: readonly number[];
  readonly logits: readonly number[];
  readonly confidentLogits: readonly number[];
  readonly head: readonly number[];
  readonly scenes: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly Case[];
};
const { classes, dims, cases } = reference;
const [images, ...size] = dims;
const pixelsOfImage = size[0] * size[1];
const [outlierLabel, voidLabel] = [254, 255];

const caseOf = (loss: PixelLossName, scene = "mixed") =>
  cases.find((c) => c.loss === loss && c.scene === scene) as Case;

/** The logits of the first outputs alone: [N, K + 1, H, W] cut down to [N, outputs, H, W]. */
function firstOutputs(values: readonly number[], outputs: number): number[] {
  return Array.from({ length: images }, (_, image) => {
    const start = image * (classes + 1) * pixelsOfImage;
    return values.slice(start, start + outputs * pixelsOfImage);
  }).flat();
}

type Setting = Pick<Case, "loss" | "options"> & {
  readonly labels: readonly number[];
  readonly logits: readonly number[];
  readonly head?: readonly number[] | undefined;
};

const settingOf = ({ loss, options, scene, confident }: Case): Setting => ({
  loss,
  options,
  labels: reference.scenes[scene] as number[],
  logits: confident ? reference.confidentLogits : reference.logits,
  head: reference.head,
});

async function compute({ loss, options, labels, logits, head }: Setting) {
  const definition = pixelLosses[loss] as PixelLossDefinition<object>;
  const outputs = classes + (definition.abstentionClasses ?? 0);
  const mask = (holds: (label: number) => boolean) =>
    tensorOf(
      labels.map((label) => (holds(label) ? 1 : 0)),
      "float32",
      dims,
    );
  const feeds = {
    logits: tensorOf(firstOutputs(logits, outputs), "float32", [images, outputs, ...size]),
    ...(head && definition.outlierHead ? { outlierLogits: tensorOf(head, "float32", [images, 2, ...size]) } : {}),
    labels: tensorOf(labels, "int64", dims),
    inlier: mask((label) => label < classes),
    outlier: mask((label) => label === outlierLabel),
  };
  const graph = new GraphBuilder();
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, graph.input(name, tensor.dtype, tensor.dims)]),
  ) as { [name in keyof typeof feeds]: Expr };
  const value = definition.expression(
    { ...inputs, classes, prior: graph.constant(tensorOf(reference.prior)) },
    options,
  );
  const targets = [inputs.logits, ...(inputs.outlierLogits ? [inputs.outlierLogits] : [])];
  const slopes = gradients(graph, value, targets);
  const model = graph.model({ value, ...Object.fromEntries(slopes.map((slope, index) => [`slope ${index}`, slope])) });
  const used = model.graph.inputs.map(({ name }) => [name, feeds[name as "logits"]] as const);
  const result = await runModel(model, Object.fromEntries(used));
  const read = (name: string) => Array.from((result.get(name)?.data as Float32Array | undefined) ?? []);
  return { value: read("value")[0] as number, logitsGradient: read("slope 0"), headGradient: read("slope 1") };
}

/** The largest difference, in units of the largest number that is expected. */
function worst(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs), Number.MIN_VALUE);
  return Math.max(...actual.map((value, index) => Math.abs(value - (expected[index] as number)))) / largest;
}

const tolerance = 1e-6;
/** The gradient of the self-normalised weights is a difference of nearly equal terms: where few pixels share them it has lost a digit (1.2e-6 at worst). */
const gradientTolerance = 2e-6;

test.each(
  cases.map(
    (c) => [`${c.loss}, ${c.scene}${c.confident ? ", confident" : ""} ${JSON.stringify(c.options)}`, c] as const,
  ),
)("value and gradient equal PyTorch's: %s", async (_, c) => {
  const result = await compute(settingOf(c));
  expect(worst([result.value], [c.value])).toBeLessThanOrEqual(tolerance);
  expect(worst(result.logitsGradient, c.logitsGradient)).toBeLessThanOrEqual(gradientTolerance);
  expect(worst(result.headGradient, c.headGradient ?? [])).toBeLessThanOrEqual(tolerance);
});

test("every loss is registered under its own name, and each is compared with PyTorch on every kind of batch", () => {
  for (const [name, { name: own }] of Object.entries(pixelLosses)) expect(own).toBe(name);
  const compared = new Set(cases.map(({ loss, scene }) => `${loss} ${scene}`));
  for (const name of Object.keys(pixelLosses)) {
    for (const scene of Object.keys(reference.scenes)) expect(compared.has(`${name} ${scene}`)).toBe(true);
  }
});

test.each([
  ["energy", "balanced-energy"],
  ["pebal", "balanced-pebal"],
] as const)("%s equals %s with alpha and gamma 0 to the bit, value and gradient", async (plain, balanced) => {
  for (const scene of Object.keys(reference.scenes)) {
    const base = settingOf(caseOf(plain, scene));
    const options = { ...base.options, alpha: 0, gamma: 0 };
    expect(await compute({ ...base, loss: balanced, options })).toEqual(await compute(base));
  }
});

test("the energy terms weigh half as much as soon as a batch holds one outlier pixel", async () => {
  const base = settingOf(caseOf("energy", "no outlier pixel"));
  // An outlier whose energy lies above its margin costs nothing itself; void before, so no inlier is lost.
  const at = base.labels.indexOf(voidLabel);
  const labels = base.labels.map((label, index) => (index === at ? outlierLabel : label));
  const options = { mIn: -8, mOut: -100 };
  const terms = async (of: readonly number[]) => {
    const [withTerms, without] = await Promise.all(
      [1, 0].map((weight) => compute({ ...base, labels: of, options: { ...options, weight } })),
    );
    return (withTerms?.value as number) - (without?.value as number);
  };
  expect((await terms(labels)) / (await terms(base.labels))).toBeCloseTo(0.5, 5);
});

test("an outlier pixel of a majority class is asked for a higher energy than one of a minority class", async () => {
  const base = settingOf(caseOf("balanced-energy", "a single outlier pixel"));
  const index = base.labels.indexOf(outlierLabel);
  const [image, position] = [Math.floor(index / pixelsOfImage), index % pixelsOfImage];
  const sureOf = (chosen: number) => {
    const logits = [...base.logits];
    for (let c = 0; c < classes; c++) {
      logits[(image * (classes + 1) + c) * pixelsOfImage + position] = c === chosen ? 9 : 0;
    }
    return compute({ ...base, logits });
  };
  const [majority, minority] = await Promise.all([sureOf(0), sureOf(4)]);
  expect(majority.value).toBeGreaterThan(minority.value + 0.1);
});

test("void pixels change no loss but that of the void classifier, whatever the network says there, save for PEBAL's neighbours", async () => {
  for (const name of Object.keys(pixelLosses) as PixelLossName[]) {
    const base = settingOf(caseOf(name));
    const logits = [...base.logits];
    base.labels.forEach((label, index) => {
      const first = Math.floor(index / pixelsOfImage) * (classes + 1) * pixelsOfImage + (index % pixelsOfImage);
      if (label === voidLabel)
        for (let c = 0; c <= classes; c++) (logits[first + c * pixelsOfImage] as number) += 3 * c;
    });
    const [before, after] = await Promise.all([compute(base), compute({ ...base, logits })]);
    const sees = ["void-classifier", "pebal", "balanced-pebal"].includes(name);
    if (sees) expect(after.value).not.toBe(before.value);
    else expect(after.value).toBe(before.value);
  }
});

test.each(["dodh", "dense-hybrid"] as const)("%s without its head says what it needs", async (loss) => {
  await expect(compute({ ...settingOf(caseOf(loss)), head: undefined })).rejects.toThrow(UnsupportedError);
});

test.each([
  ["deep-gambler", { payoff: 1 }],
  ["deep-gambler", { payoff: classes + 0.1 }],
  ["deep-gambler", { payoff: Number.NaN }],
  ["dirichlet", { precision: 100, smoothing: 1 / classes, weight: 1 }],
] as const)("%s refuses %s", async (loss, options) => {
  await expect(compute({ ...settingOf(caseOf(loss)), options })).rejects.toThrow(OptionError);
});

test.each([
  ["meta-ood", { outlierShare: 1.1 }, "--loss-option outlierShare: expected a share in [0, 1], got 1.1"],
  ["dirichlet", { precision: 0 }, "--loss-option precision: expected a number above 0, got 0"],
  ["pebal", { smoothness: -1 }, "--loss-option smoothness: expected a number from 0 on, got -1"],
  ["balanced-pebal", { gamma: Number.POSITIVE_INFINITY }, "expected a number from 0 on, got Infinity"],
] as const)("%s says where its options must lie: %o", (loss, options, message) => {
  const ranges: Ranges<object> | undefined = pixelLosses[loss].ranges;
  expect(() => checkRanges(ranges, options)).toThrow(message);
});

test("every number that a loss takes has a range, but for margins and what depends on the number of classes", () => {
  const free = new Set(["mIn", "mOut", "payoff", "smoothing"]);
  for (const { name, defaults, ranges } of Object.values(pixelLosses) as PixelLossDefinition<object>[]) {
    const told = Object.keys(ranges ?? {});
    const numbers = Object.entries(defaults).flatMap(([key, value]) =>
      typeof value === "number" && !free.has(key) ? [key] : [],
    );
    expect(told.sort(), name).toEqual(numbers.sort());
    checkRanges(ranges, defaults);
  }
});
