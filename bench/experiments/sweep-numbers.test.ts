import { join } from "node:path";
import { expect, test } from "vitest";
import { beginningLike, differences, type Row } from "./sweep-numbers.js";

test.each([
  ["that is given", "cifar10"],
  ["that is trained", "cifar10-lt"],
])("a row from scratch does not begin with the network %s to rows that are tuned", async (_what, table) => {
  const recipes = join("recipes", "small", table);
  const names = ["st-energy", "energy-scratch", "energy-tune", "balanced-energy", "generalized-odin", "st-msp"];
  const rows = new Map<string, Row>(names.map((name) => [name, new Map()]));
  const kept = await beginningLike("energy-tune", rows, recipes);
  expect([...kept.keys()]).toEqual(["st-energy", "energy-tune", "balanced-energy", "st-msp"]);
});

test("rows of one seed that begin with different networks are not compared", async () => {
  const recipes = join("recipes", "small", "cifar10-lt");
  const row = (network: string) => new Map([[1, { stages: [network, "tuned"], data: {} }]]) as unknown as Row;
  const rows = (other: string) =>
    new Map([
      ["energy-tune", row("new")],
      ["balanced-energy", row(other)],
    ]);
  expect((await beginningLike("energy-tune", rows("new"), recipes)).size).toBe(2);
  await expect(beginningLike("energy-tune", rows("old"), recipes)).rejects.toThrow(
    "balanced-energy, seed 1: made from",
  );
});

test("a row that trains nothing is compared under every seed, and one that trains under its own alone", () => {
  const row = (stages: readonly string[], accuracies: Readonly<Record<number, number>>) =>
    new Map(
      Object.entries(accuracies).map(([seed, accuracy]) => [Number(seed), { stages, accuracy }]),
    ) as unknown as Row;
  const untouched = row([], { 1: 0.5 });
  const tuned = row(["key"], { 1: 0.75, 2: 0.25 });
  const gain = (a: Row, b: Row) => differences(a, b, ({ accuracy }) => accuracy);
  expect(gain(untouched, tuned)).toEqual([25, -25]);
  expect(gain(tuned, untouched)).toEqual([-25, 25]);
  expect(gain(untouched, untouched)).toEqual([0]);
  expect(gain(row(["key"], { 1: 0.5 }), tuned)).toEqual([25]);
});
