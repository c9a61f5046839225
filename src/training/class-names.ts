import type { Model } from "../onnx/index.js";
import { classNamesKey } from "./classifier.js";

/** Names of the classes that a tuned model remembers from its training images; undefined for a model that has none. */
export function classNamesOf({ metadata }: Pick<Model, "metadata">): readonly string[] | undefined {
  const text = metadata.get(classNamesKey);
  if (text === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : undefined;
  } catch {
    return undefined;
  }
}
