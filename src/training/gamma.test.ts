import { expect, test } from "vitest";
import { gammaFor } from "./gamma.js";
import { describePrior } from "./prior.js";

test("an even prior gets the paper's exponent for balanced data", () => {
  expect(gammaFor(describePrior([100, 100, 100, 100]))).toBe(0.05);
});

test("the prior of a long-tailed model gets the paper's exponent for long-tailed data", () => {
  const measured = [0.2412, 0.1027, 0.2311, 0.1574, 0.0662, 0.0408, 0.1208, 0.0171, 0.0113, 0.0114];
  expect(gammaFor(describePrior(measured.map((share) => share * 20000)))).toBe(0.75);
});

test("the exponent never falls as the prior becomes less even", () => {
  const exponents = [100, 200, 400, 430, 460, 490, 600, 1000].map((most) =>
    gammaFor(describePrior([most, 100, 100, 100, 100])),
  );
  expect(exponents).toEqual([...exponents].sort((a, b) => a - b));
  expect(new Set(exponents).size).toBeGreaterThan(2);
});
