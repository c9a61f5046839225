/** The process that does one job. Started by `fork-job.ts`; not imported. */
import type { Progress } from "../../training/index.js";
import { type JobMessage, packError } from "./job-messages.js";
import { type Job, runJob } from "./jobs.js";

const stop = new AbortController();
// Ctrl-C in a terminal reaches every process of the group; the parent says when to stop.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => stop.abort());
// The parent is gone: keep what there is, and end.
process.on("disconnect", () => stop.abort());

const send = (message: JobMessage): void => {
  if (process.connected) process.send?.(message);
};

const reportMilliseconds = 200;

/** Hands progress to the parent, not more often than anyone can see. */
function reportedProgress(): Progress {
  let last = 0;
  return {
    start: (title, total, unit) => send({ kind: "start", title, total, unit }),
    update: (done, note) => {
      const now = performance.now();
      if (now - last < reportMilliseconds) return;
      last = now;
      send({ kind: "update", done, ...(note === undefined ? {} : { note }), memory: peakMemory() });
    },
    finish: (note) => send({ kind: "finish", ...(note === undefined ? {} : { note }) }),
  };
}

/** Most memory that the process has had so far, in bytes. */
const peakMemory = () => process.resourceUsage().maxRSS * 1024;

process.on("message", (message: { job: Job } | "stop") => {
  if (message === "stop") stop.abort();
  else void work(message.job);
});

async function work(job: Job): Promise<void> {
  let message: JobMessage;
  try {
    const warn = (sentence: string) => send({ kind: "warning", sentence });
    await runJob(job, { progress: reportedProgress(), signal: stop.signal, warn });
    message = { kind: "done", memory: peakMemory() };
  } catch (error) {
    message = { kind: "failed", error: packError(error) };
  }
  if (process.connected) process.send?.(message, () => process.exit(0));
  else process.exit(0);
}
