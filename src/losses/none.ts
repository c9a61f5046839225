import { scalar } from "../ops/index.js";
import { defineLoss } from "./types.js";

/** Cross entropy alone: what plain fine-tuning on the same images does, the control of every comparison. */
export const noRegularizer = defineLoss({
  name: "ce",
  title: "Cross entropy",
  source: "the control",
  weight: 0,
  defaults: {},
  score: "energy",
  hasMargins: false,
  usesPrior: false,
  expression: ({ logits }) => scalar(logits.builder, 0),
});
