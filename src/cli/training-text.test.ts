import { expect, test } from "vitest";
import type { TrainingResult } from "../training/index.js";
import { trainingText } from "./training-text.js";

const result: TrainingResult = {
  ...{
    steps: 1940,
    seconds_per_step: 0.25,
    images_per_second: 1536,
    loss: 3.25,
    margins: null,
    prior: null,
    prior_after: null,
    best: null,
  },
  ...{ training_accuracy: null, accuracy_before: 0.75, accuracy_after: 0.5, out: "run/model.onnx" },
};

test("the accuracy that a loss aimed at is told with where it comes from, and nothing of it for other losses", () => {
  const reason = "0.9321, measured on 12406 training images";
  const text = trainingText({ ...result, training_accuracy: { value: 0.9321, reason } });
  expect(text.split("\n")).toContain("training accuracy: 0.9321, measured on 12406 training images");
  expect(trainingText(result)).not.toContain("training accuracy");
});
