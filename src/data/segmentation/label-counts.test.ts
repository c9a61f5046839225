import { expect, test } from "vitest";
import { countLabels, requireAnomalies } from "./label-counts.js";

test("counts add up over images", () => {
  const counts = countLabels(Uint8Array.of(0, 0, 3, 255));
  countLabels(Uint8Array.of(3, 254), counts);
  expect([counts[0], counts[1], counts[3], counts[254], counts[255]]).toEqual([2, 0, 2, 1, 1]);
  expect(() => requireAnomalies(counts, "x")).not.toThrow();
});

test.each([
  ["void alone", [255, 255], "x: expected pixels of anomalies and of known classes, got void only (2 pixels)"],
  ["no anomaly", [0, 1, 255], "got no anomaly (2 pixels of known classes); classes become anomalies with outlier=NAME"],
  ["nothing but anomalies", [254, 255], "got anomalies only (1 pixels)"],
])("a set with %s cannot be measured", (_, labels, message) => {
  expect(() => requireAnomalies(countLabels(Uint8Array.from(labels)), "x")).toThrow(message);
});
