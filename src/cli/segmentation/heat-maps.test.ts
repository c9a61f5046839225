import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/data/files.js";
import { HeatMaps } from "./heat-maps.js";

test.each([
  [200, 200],
  [400, 300],
  [100, 400],
])("the range of colours is that of all columns, at %i x %i too", async (height, width) => {
  const maps = new HeatMaps(temporaryFolder(), ["scene.png"]);
  await maps.add(
    0,
    Float32Array.from({ length: height * width }, (_, at) => (at % width) / width),
    { height, width },
  );
  const [low, high] = await maps.draw(undefined, new AbortController().signal);
  expect(Math.abs(low - 0.005)).toBeLessThan(0.02);
  expect(Math.abs(high - 0.995)).toBeLessThan(0.02);
});
