/**
 * A checkpoint: every variable of a run in one ONNX file without nodes, with the position in its metadata. One file, written
 * to a temporary name and renamed, is always either the old state or the new one.
 */
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { FormatError, OptionError } from "../errors.js";
import { readModel, writeModel } from "../onnx/index.js";
import type { Tensor } from "../onnx/types.js";
import type { Spent } from "./run-steps.js";

const key = "offmap.checkpoint";
/** What errors about a checkpoint that cannot be continued are about. */
export const resumeFlag = "--resume";

export interface Checkpoint {
  /** Updates done. */
  readonly step: number;
  /** What the run was started with, to refuse continuing another; see `runIdentity`. */
  readonly identity: string;
  /** What was found out before the first step and must not be found out again. */
  readonly prepared: unknown;
  /** Undefined in checkpoints of earlier versions. */
  readonly spent?: Spent | undefined;
  readonly variables: Readonly<Record<string, Tensor>>;
}

export async function writeCheckpoint(path: string, { variables, ...rest }: Checkpoint): Promise<void> {
  const initializers = new Map(Object.entries(variables));
  // A graph must have an output; the checkpoint gives out its first variable.
  const outputs = [...initializers].slice(0, 1).map(([name, { dtype, dims }]) => ({ name, dtype, dims }));
  await writeModel(
    {
      graph: { name: "checkpoint", inputs: [], outputs, nodes: [], initializers },
      opset: 18,
      imports: new Map([["", 18]]),
      irVersion: 8,
      producer: "offmap",
      metadata: new Map([[key, JSON.stringify(rest)]]),
    },
    path,
  );
}

/** @throws OptionError when there is none, or when it belongs to a run with other options */
export async function readCheckpoint(path: string, identity: string): Promise<Checkpoint> {
  if (!existsSync(path)) {
    throw new OptionError({
      where: resumeFlag,
      expected: `a checkpoint at ${path}`,
      received: "none",
      hint: "start without --resume",
    });
  }
  const model = await readModel(path);
  const text = model.metadata.get(key);
  if (text === undefined)
    throw new FormatError({ where: path, expected: "an Offmap checkpoint", received: "another ONNX file" });
  const rest = JSON.parse(text) as Omit<Checkpoint, "variables">;
  const difference = firstDifference(rest.identity, identity);
  if (difference !== undefined) {
    throw new OptionError({
      where: resumeFlag,
      expected: "the options, model and data the checkpoint was made with",
      received: difference,
      hint: "repeat the original command with --resume added, or choose another --out",
    });
  }
  return { ...rest, variables: Object.fromEntries(model.graph.initializers) };
}

/** Both identities are JSON objects: names the first field that differs, whatever the order of fields. */
function firstDifference(before: string, now: string): string | undefined {
  const [a, b] = [JSON.parse(before), JSON.parse(now)] as [Record<string, unknown>, Record<string, unknown>];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (isDeepStrictEqual(a[name], b[name])) continue;
    const [x, y] = [JSON.stringify(a[name]), JSON.stringify(b[name])];
    return `${name} ${y ?? "unset"} instead of ${x ?? "unset"}`;
  }
  return undefined;
}
