import { join } from "node:path";
import { expect, test } from "vitest";
import { beginningLike, type Row } from "./sweep-numbers.js";

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
