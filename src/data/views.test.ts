import { describe, expect, test } from "vitest";
import { arrayDataset, subset } from "./views.js";

const dataset = arrayDataset({
  name: "toy",
  data: Uint8Array.of(1, 2, 3, 4, 5, 6),
  shape: [1, 1, 2],
  labels: Int32Array.of(7, 8, 9),
  classNames: ["a"],
});

describe("subset", () => {
  test("of a subset leads to the right images, labels and places", async () => {
    const part = subset(subset(dataset, [2, 0, 2]), [1, 2]);
    expect([...(part.labels ?? [])]).toEqual([7, 9]);
    expect([...(await part.read([1, 0])).data]).toEqual([5, 6, 1, 2]);
    expect(part.describe(0)).toBe("toy image 0");
    expect(part.classNames).toEqual(["a"]);
  });

  test.each([[[3]], [[-1]], [[]]])("of %j is refused", (indices) => {
    expect(() => subset(dataset, indices)).toThrow();
  });

  test("reaches no image outside itself", async () => {
    await expect(subset(dataset, [0]).read([1])).rejects.toThrow("indices from 0 to 0");
  });

  test("has a fingerprint of its own", async () => {
    const prints = await Promise.all(
      [dataset, subset(dataset, [0, 1, 2]), subset(dataset, [1])].map((set) => set.fingerprint()),
    );
    expect(new Set(prints).size).toBe(3);
  });
});

test.each([
  [{ data: new Uint8Array(5) }, "got 5 values"],
  [{ data: new Uint8Array(0) }, "got 0 values"],
  [{ data: new Uint8Array(4), labels: Int32Array.of(1) }, "got 4 values and 1 labels"],
])("arrays that hold no whole images or too few labels are refused: %o", (part, message) => {
  expect(() => arrayDataset({ name: "toy", shape: [1, 1, 2], ...part })).toThrow(message);
});
