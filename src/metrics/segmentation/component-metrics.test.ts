import { describe, expect, test } from "vitest";
import { reference } from "../../../test/reference/pixel-metrics.js";
import { DataError, OptionError, ShapeError } from "../../errors.js";
import { ComponentMetrics, componentTracks } from "./component-metrics.js";

/** Each pixel `scale` times in both directions. */
function enlarged(rows: readonly string[], scale: number): number[] {
  return rows.flatMap((row) => {
    const wide = [...row].flatMap((pixel) => Array<number>(scale).fill(Number(pixel)));
    return Array<number[]>(scale).fill(wide).flat();
  });
}

describe.each(reference.components.cases)("images $scale times as large, at least $minimum pixels", (example) => {
  test("sIoU, PPV and F1 equal those of sets of pixels", () => {
    const { minimum, scale, threshold } = example;
    const metrics = new ComponentMetrics({ threshold, minimum });
    for (const { mask, score } of reference.components.images) {
      const width = (mask[0]?.length ?? 0) * scale;
      metrics.add(Float32Array.from(enlarged(score, scale)), Uint8Array.from(enlarged(mask, scale)), width);
    }
    const { f1, ...results } = metrics.results();
    for (const [name, value] of Object.entries(results)) {
      expect(Math.abs(value - (example[name as keyof typeof results] as number)), name).toBeLessThan(1e-12);
    }
    expect(f1).toHaveLength(11);
    f1.forEach((value, level) => {
      expect(value).toBeCloseTo(example.f1[level] as number, 12);
    });
  });
});

const exact = { truth: 0, prediction: 0 };
/** `o` true, `x` true and predicted, `+` predicted, `?` void and predicted, `.` nothing. */
function added(minimum: { truth: number; prediction: number }, ...rows: readonly string[]) {
  const pixels = [...rows.join("")];
  const metrics = new ComponentMetrics({ threshold: 0.5, minimum });
  const scores = Float32Array.from(pixels, (pixel) => Number("x+?".includes(pixel)));
  const mask = Uint8Array.from(pixels, (pixel) => ("ox".includes(pixel) ? 1 : pixel === "?" ? 255 : 0));
  metrics.add(scores, mask, rows[0]?.length ?? 0);
  return metrics.results();
}

test("a prediction that spans two objects is held against neither", () => {
  // Without the adjustment each would have 2 of 5.
  expect(added(exact, "xx+xx").siou).toBeCloseTo(2 / 3, 14);
});

test("two predictions in one object are one to its sIoU, and two to the PPV", () => {
  const { siou, ppv, n_predicted } = added(exact, "xxox", "....", "....");
  expect([siou, ppv, n_predicted]).toEqual([3 / 4, 1, 2]);
});

test("void is no prediction, and divides what it lies between", () => {
  const { n_predicted, ppv } = added(exact, "x?+", ".?.");
  expect([n_predicted, ppv]).toEqual([2, 0.5]);
});

test("what is predicted on an object that is too small counts neither for nor against", () => {
  const { n_components, siou, ppv } = added({ truth: 2, prediction: 0 }, "x..xx", "+....");
  expect([n_components, siou, ppv]).toEqual([1, 1, 0.5]);
});

test("a prediction that is too small is taken back, so its object is missed", () => {
  const { siou, n_predicted, ppv, f1_mean } = added({ truth: 0, prediction: 3 }, "xx...", ".....");
  expect([siou, n_predicted, ppv, f1_mean]).toEqual([0, 0, Number.NaN, 0]);
});

test("the sizes are those of the benchmark's tracks, the anomaly track's by default", () => {
  expect(componentTracks).toEqual({
    anomaly: { truth: 100, prediction: 500 },
    obstacle: { truth: 10, prediction: 50 },
  });
  const metrics = new ComponentMetrics({ threshold: 0 });
  metrics.add(new Float32Array(99), new Uint8Array(99).fill(1), 9);
  expect(() => metrics.results()).toThrow(DataError);
  expect(() => metrics.results()).toThrow(
    "component metrics: expected an outlier component of at least 100 pixels, got none; smaller images need smaller minimum sizes",
  );
});

test("NaN as a score or a threshold, half pixels and broken rows are refused", () => {
  expect(() => new ComponentMetrics({ threshold: Number.NaN })).toThrow(OptionError);
  expect(() => new ComponentMetrics({ threshold: 0, minimum: { truth: 0.5, prediction: 0 } })).toThrow(OptionError);
  const metrics = new ComponentMetrics({ threshold: 0 });
  expect(() => metrics.add(Float32Array.of(Number.NaN), Uint8Array.of(0), 1, "a.png")).toThrow(
    "a.png: expected finite",
  );
  expect(() => metrics.add(new Float32Array(5), new Uint8Array(5), 2)).toThrow(ShapeError);
});
