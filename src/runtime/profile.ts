/** Runs a graph under ONNX Runtime's profiler. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { CancelledError, OffmapError, RunError } from "../errors.js";
import { toOrt } from "./ort-tensor.js";
import { type NodeTiming, nodeTimings, type ProfileEvent } from "./profile-events.js";
import { sessionOptions } from "./session-options.js";
import type { EngineOptions, Feeds } from "./types.js";

export interface Profile {
  /** Median time of one run, with the profiler off. */
  readonly milliseconds: number;
  readonly nodes: readonly NodeTiming[];
}

/**
 * Times a graph and its nodes, on the CPU and in this thread, which it blocks.
 *
 * @param model    the bytes of an ONNX file
 * @param repeats  runs that count; one more before them does not
 * @throws RunError when ONNX Runtime refuses the graph or the feeds; CancelledError between two runs, after a request to stop
 */
export async function profileModel(
  model: Uint8Array,
  feeds: Feeds,
  { repeats, threads, signal }: { repeats: number; signal?: AbortSignal } & Pick<EngineOptions, "threads">,
): Promise<Profile> {
  const options = sessionOptions(threads === undefined ? {} : { threads });
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor, name)]));
  const folder = await mkdtemp(join(tmpdir(), "offmap-profile-"));
  try {
    const plain = await ort.InferenceSession.create(model, options);
    const times = await runs(plain, inputs, repeats, signal);
    await plain.release();
    const profiled = await ort.InferenceSession.create(model, {
      ...options,
      enableProfiling: true,
      profileFilePrefix: join(folder, "run"),
    });
    await runs(profiled, inputs, repeats, signal);
    profiled.endProfiling();
    await profiled.release();
    return { milliseconds: times[times.length >> 1] as number, nodes: nodeTimings(await readEvents(folder), 1) };
  } catch (cause) {
    if (cause instanceof OffmapError) throw cause;
    throw new RunError({ problem: `ONNX Runtime cannot profile the graph: ${(cause as Error).message}`, cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of each run but the first, ascending. */
async function runs(
  session: ort.InferenceSession,
  inputs: ort.InferenceSession.FeedsType,
  repeats: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= repeats; run++) {
    if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
    const start = performance.now();
    await session.run(inputs);
    if (run > 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

async function readEvents(folder: string): Promise<ProfileEvent[]> {
  const [file] = await readdir(folder);
  if (file === undefined) throw new Error("it wrote no profile");
  return JSON.parse(await readFile(join(folder, file), "utf8")) as ProfileEvent[];
}
