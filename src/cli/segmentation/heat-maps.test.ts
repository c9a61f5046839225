import { expect, test } from "vitest";
import { fileNames } from "./heat-maps.js";

test("no two images get the same name, whatever they are called", () => {
  expect(fileNames(["x/a-2.png", "x/a.jpg", "y/a.png", "z/b.png"])).toEqual(["a-2", "a", "a-3", "b"]);
});
