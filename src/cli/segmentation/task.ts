/** Which of the two tasks a command is about, by the model that it is given. */
import { OffmapError, OptionError } from "../../errors.js";
import type { Model } from "../../onnx/index.js";
import type { Option } from "../option.js";
import { oneOf } from "../parsers.js";

type Task = "classification" | "segmentation";

export const taskOption = {
  placeholder: "TASK",
  group: "Model and data:",
  help: "what the model tells apart: images or pixels",
  default: "by the rank of its output",
  parser: oneOf(["classification", "segmentation"]),
} as const satisfies Option;

/** The task that is given, else that of the model: four dimensions are a map of pixels. What is neither is left to the commands of images to refuse. */
export async function taskOfFile(path: string, given: Task | undefined): Promise<Task> {
  if (given !== undefined) return given;
  const { readModel } = await import("../../onnx/index.js");
  return taskOfModel(await readModel(path));
}

export async function taskOfModel(model: Model): Promise<Task> {
  const { taskOf } = await import("../../training/segmentation/index.js");
  try {
    return taskOf(model);
  } catch (error) {
    if (!(error instanceof OffmapError)) throw error;
    return "classification";
  }
}

const expectations = {
  segmentation: "options of segmentation networks",
  classification: "options of image classifiers",
  exported: "options of an exported model, which brings its own score",
} as const;

/**
 * Refuses options of the other task, or of other models.
 *
 * @param options  as they are given
 * @param flags    of the other task, by the key of the option
 * @throws OptionError naming the first one that is given
 */
export function refuseFlags(
  options: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, string>>,
  task: keyof typeof expectations,
): void {
  const found = Object.entries(flags).find(([key]) => options[key] !== undefined && options[key] !== false);
  if (found === undefined) return;
  throw new OptionError({
    where: `--${found[1]}`,
    expected: expectations[task],
    received: "one that has no effect on them",
    hint: "leave it out; `--task` says what a model is where its output does not tell",
  });
}

/** @throws OptionError as for a flag that is required, where only one of the tasks needs it */
export function requireFlag<Value>(value: Value | undefined, command: string, flag: string): Value {
  if (value !== undefined) return value;
  throw new OptionError({
    where: command,
    problem: `${flag} is missing`,
    hint: `add it, or see \`offmap ${command} --help\``,
  });
}
