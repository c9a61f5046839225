import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { applyLabelMap, labelMap, leaveOutClasses, readLabelMap } from "./label-map.js";
import { cityscapesMap } from "./layouts/cityscapes.js";
import { outlierLabel, voidLabel } from "./types.js";

const folder = temporaryFolder();
const names = ["sky", "road", "car", "dog", "bike"];
const five = labelMap([...names.map((_, id) => [id, id] as const), [9, voidLabel]], names);
const ids = (...data: number[]) => ({ data: Uint8Array.from(data), height: 1, width: data.length });

describe("classes left out", () => {
  test("the others are numbered densely, in their order", () => {
    const map = leaveOutClasses(five, { void: ["road"], outlier: ["dog"] }, "x");
    expect(map.classNames).toEqual(["sky", "car", "bike"]);
    expect([...applyLabelMap(map, ids(0, 1, 2, 3, 4, 9), "x")]).toEqual([0, voidLabel, 1, outlierLabel, 2, voidLabel]);
  });

  test("as void and as anomalies they leave the same numbers, or a trained model would be tested with others", () => {
    const asVoid = leaveOutClasses(five, { void: ["dog", "1"] }, "x");
    const asOutlier = leaveOutClasses(five, { outlier: ["dog", "1"] }, "x");
    expect(asVoid.classNames).toEqual(asOutlier.classNames);
    const kept = ids(0, 2, 4);
    expect(applyLabelMap(asVoid, kept, "x")).toEqual(applyLabelMap(asOutlier, kept, "x"));
  });

  test.each([
    [{ void: ["cat"] }, 'expected one of its classes (sky, road, car, dog, bike), got "cat"'],
    [{ void: ["5"] }, 'got "5"'],
    [{ void: ["dog"], outlier: ["3"] }, 'class "dog" is left out twice'],
    [{ void: names }, "no class remains"],
  ])("%j is refused", (left, message) => {
    expect(() => leaveOutClasses(five, left, "x")).toThrow(message);
  });

  test("a set without classes has none to leave out", () => {
    expect(() => leaveOutClasses(labelMap([[0, 0]]), { void: ["0"] }, "x")).toThrow("its labels tell no classes");
  });
});

test("an id outside the map is named with its file and pixel", () => {
  const labels = { data: Uint8Array.of(0, 1, 2, 3, 7, 200), height: 2, width: 3 };
  expect(() => applyLabelMap(five, labels, "a.png")).toThrow(
    "a.png, row 1, column 1: expected an id of the label map (0 to 4, 9), got 7",
  );
});

test("Cityscapes: 19 of its 34 label ids are classes, the others void, as in cityscapesScripts", () => {
  const all = ids(...Array.from({ length: 34 }, (_, id) => id));
  const labels = [...applyLabelMap(cityscapesMap, all, "x")];
  const v = voidLabel;
  expect(labels).toEqual([
    ...[v, v, v, v, v, v, v, 0, 1, v, v, 2, 3, 4, v, v, v, 5, v, 6, 7],
    ...[8, 9, 10, 11, 12, 13, 14, 15, v, v, 16, 17, 18],
  ]);
  expect(cityscapesMap.classNames?.[16]).toBe("train");
});

describe("a label map as JSON", () => {
  const read = async (content: unknown) =>
    readLabelMap(
      await write(join(folder, "map.json"), typeof content === "string" ? content : JSON.stringify(content)),
    );

  test("several ids may mean the same; void and outlier are no classes", async () => {
    const map = await read({ classes: ["a", "b"], ids: { 7: 0, 8: 1, 9: 1, 0: "void", 30: "outlier" } });
    expect([...applyLabelMap(map, ids(7, 8, 9, 0, 30), "x")]).toEqual([0, 1, 1, voidLabel, outlierLabel]);
    expect(map.classNames).toEqual(["a", "b"]);
  });

  test.each([
    ["{", "map.json: it is no JSON"],
    [{ ids: { 0: 0 } }, "map.json classes: "],
    [{ classes: ["a"], ids: { 0: 1 } }, "map.json id 0: expected a train id below 1, the number of classes"],
    [{ classes: ["a"], ids: { 0: "ignore" } }, "map.json ids 0: "],
    [{ classes: ["a"], ids: { 256: 0 } }, "expected ids from 0 to 255, got 256"],
    [{ classes: ["a", "b"], ids: { 0: 0 } }, 'no id means class 1, "b"'],
  ])("%j is refused", async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });
});
