import type { Option } from "../option.js";
import { integer } from "../parsers.js";

export const classesOption = {
  placeholder: "K",
  group: "Segmentation:",
  help: "outputs of the model that are classes: the first K, others are left out",
  default: "those that its metadata name, else all",
  parser: integer({ min: 2, max: 254 }),
} as const satisfies Option;

/** Names for classes of which only the number is known. */
export const numberedClasses = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `class ${index}`);
