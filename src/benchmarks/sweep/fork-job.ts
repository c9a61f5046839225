/** Does a job in a process of its own: what it breaks or leaks ends with it. */
import { fork } from "node:child_process";
import { CancelledError, RunError } from "../../errors.js";
import type { TrainingContext } from "../../training/index.js";
import { type JobMessage, unpackError } from "./job-messages.js";
import type { Job } from "./jobs.js";

/** From TypeScript sources (in tests) the process is the compiled one, like the worker of the engine. */
const entry = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/benchmarks/sweep/job-process.js", import.meta.url)
  : new URL("./job-process.js", import.meta.url);

export interface JobContext extends TrainingContext {
  /** Told the most memory that the job has had so far, in bytes; `steady` once it is not expected to need more. */
  readonly memory?: (bytes: number, steady: boolean) => void;
}

/** Does a job, in this process or another; rejects with what went wrong. */
export type JobRunner = (job: Job, context: JobContext) => Promise<void>;

/** Steps after which the memory of a training run has been seen: the engine allocates in the first two. */
const steadySteps = 3;

/**
 * @throws CancelledError after a request to stop, RunError where the process ended without a word, and what the job throws
 */
export const forkJob: JobRunner = async (job, { progress, signal, warn, memory }) => {
  // No flags of this process: under a test runner they load its hooks.
  const child = fork(entry, { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" });
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const requestStop = () => child.connected && child.send("stop");
  signal?.addEventListener("abort", requestStop);
  try {
    await new Promise<void>((resolve, reject) => {
      let outcome: (() => void) | undefined;
      let unit = "";
      // Before its steps a training run only looks at images, which takes less.
      const isSteady = (done: number) => (job.kind === "evaluate" ? done > 0 : unit === "steps" && done >= steadySteps);
      child.on("message", (message: JobMessage) => {
        if (message.kind === "start") unit = message.unit;
        if (message.kind === "update") memory?.(message.memory, isSteady(message.done));
        if (message.kind === "done") memory?.(message.memory, true);
        switch (message.kind) {
          case "start":
            return progress?.start(message.title, message.total, message.unit);
          case "update":
            return progress?.update(message.done, message.note);
          case "finish":
            return progress?.finish(message.note);
          case "warning":
            return warn?.(message.sentence);
          case "done":
            outcome = resolve;
            return;
          case "failed":
            outcome = () => reject(unpackError(message.error));
        }
      });
      child.on("error", reject);
      child.on("exit", (code, killer) => {
        if (outcome !== undefined) return outcome();
        reject(
          signal?.aborted ? new CancelledError({ problem: "stopped on request" }) : endedEarly(code, killer, complaint),
        );
      });
      child.send({ job });
      if (signal?.aborted) requestStop();
    });
  } finally {
    signal?.removeEventListener("abort", requestStop);
  }
};

function endedEarly(code: number | null, killer: NodeJS.Signals | null, complaint: string): RunError {
  const why = killer === null ? `ended with exit code ${code}` : `was ended by ${killer}`;
  const lines = complaint.trim().split("\n");
  // Node's own last line after an error is its version, and after a crash a frame of its stack.
  const last = lines.findLast((line) => /^(\w*Error|FATAL ERROR)\b/.test(line)) ?? lines.at(-1);
  return new RunError({
    problem: `its process ${why}${last ? ` (${last})` : ""}`,
    hint:
      killer === "SIGKILL"
        ? "that happens when memory runs out: repeat the command with fewer --jobs, and it goes on from the last checkpoint"
        : "repeat the command, and it goes on from the last checkpoint",
  });
}
