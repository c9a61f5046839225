import { expect, test } from "vitest";
import { fitMargins } from "./margins.js";
import { energyOf, meanPriorWeight } from "./statistics.js";

const logits = Float32Array.of(3, 0, 0, 0, 8, 0, 0, 0, 1);

test("m-in is the median of the model's own energies", () => {
  const energies = Array.from(energyOf(logits, 3)).sort((a, b) => a - b);
  const { mIn } = fitMargins(logits, 3, 0, { mIn: "auto", mOut: -5 });
  expect(mIn).toBeCloseTo(energies[1] as number, 2);
});

test("m-out with the mean lift added is the energy of a flat prediction, -ln K", () => {
  const lift = 0.7;
  expect(fitMargins(logits, 3, lift, { mIn: -23, mOut: "auto" }).mOut + lift).toBeCloseTo(-Math.log(3), 2);
});

test("given margins are left as they are, and the reason says so", () => {
  const chosen = fitMargins(new Float32Array(0), 3, 0, { mIn: -23, mOut: -5 });
  expect(chosen).toEqual({ mIn: -23, mOut: -5, reason: "m-in -23 as given; m-out -5 as given" });
});

test("huge logits do not overflow the energy", () => {
  expect(Array.from(energyOf(Float32Array.of(1000, 1000, -1000, -1000), 2))).toEqual([
    -(1000 + Math.LN2),
    -(-1000 + Math.LN2),
  ]);
});

// Golden vector of the loss: P_γ = (.53895253, .32046309, .14058438), Z = (.53743103, .14111071, .32864631).
test("the mean of Z agrees with the loss's own Z", () => {
  const outliers = Float32Array.of(6, 0, 0, 0, 0, 7, 1, 2, 1);
  const z = meanPriorWeight(outliers, [0.6, 0.3, 0.1], 0.75);
  expect(z).toBeCloseTo((0.53743103 + 0.14111071 + 0.32864631) / 3, 7);
});
