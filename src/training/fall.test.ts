import { expect, test } from "vitest";
import { describeFall } from "./fall.js";

const fell = [0.9, 0.8] as const;
const auto = { mIn: "auto", mOut: "auto" } as const;

test.each([
  [{ loss: "balanced-energy", ...auto }, true, ": lower --weight or --lr"],
  [
    { loss: "balanced-energy", mIn: -23, mOut: "auto" },
    true,
    ": lower --weight or --lr, or let the margins fit the model (--m-in auto --m-out auto)",
  ],
  [{ loss: "oe", mIn: 0, mOut: 0 }, false, ": lower --weight or --lr"],
  [{ loss: "ce", ...auto }, false, ": lower --lr"],
  [{ loss: "ce", ...auto, logitAdjustment: 1 }, false, ", as --logit-adjustment favours rare classes"],
] as const)("a fall under %o says what there is to do", (options, hasMargins, end) => {
  expect(describeFall("accuracy", fell, options, { hasMargins })).toBe(`accuracy fell from 90.00 % to 80.00 %${end}`);
});

test("a fall of two points, a gain and what was not measured ask for no warning", () => {
  const say = (before: number | null, after: number) =>
    describeFall("accuracy", [before, after], { loss: "oe", ...auto }, { hasMargins: false });
  expect([say(0.5, 0.485), say(0.5, 0.6), say(null, 0.1)]).toEqual([undefined, undefined, undefined]);
});
