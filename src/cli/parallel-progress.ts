/** Progress of several jobs at once: a line each at the bottom of the terminal, redrawn in place, and sentences above them. */
import { type Progress, silent } from "../training/progress.js";
import type { OutputStream } from "./host.js";
import { terminalProgress } from "./terminal-progress.js";

export interface ParallelProgress {
  /** Progress of a job, on a line that begins with its name. */
  job(name: string): Progress;
  /** Takes the line of a job away. */
  ended(name: string): void;
  /** Prints a sentence that stays. */
  say(sentence: string): void;
  /** Takes all lines away until something changes, for whoever writes to the terminal on its own. */
  pause(): void;
  /** Takes all lines away for good. */
  close(): void;
}

/** Of a command whose standard error is no terminal. */
export const silentParallel: ParallelProgress = { job: () => silent, ended() {}, say() {}, pause() {}, close() {} };

/** Redrawing more often costs time and shows nothing more. */
const redrawMilliseconds = 100;

/** @param now  milliseconds from any start */
export function parallelProgress(stream: OutputStream, now: () => number): ParallelProgress {
  const lines = new Map<string, string>();
  let drawn = 0;
  let last = Number.NEGATIVE_INFINITY;

  const columns = () => stream.columns ?? 80;

  const redraw = (above = "") => {
    const width = columns() - 1;
    const back = drawn === 0 ? "" : `\x1b[${drawn}A`;
    const block = [...lines].map(([name, text]) => `${`${name}  ${text}`.slice(0, width)}\n`).join("");
    drawn = lines.size;
    last = now();
    // A terminal that went away must not end the work.
    stream.write(`\r${back}\x1b[J${above}${block}`).catch(() => undefined);
  };

  return {
    job(name) {
      lines.set(name, "…");
      redraw();
      const line: OutputStream = {
        isTerminal: true,
        columns: Math.max(20, columns() - name.length - 2),
        async write(text) {
          if (!lines.has(name)) return;
          lines.set(name, text.replace("\r\x1b[K", "").trimEnd());
          if (now() - last >= redrawMilliseconds) redraw();
        },
      };
      return terminalProgress(line, now);
    },
    ended(name) {
      lines.delete(name);
      redraw();
    },
    say(sentence) {
      redraw(`${sentence}\n`);
    },
    pause() {
      stream.write(`\r${drawn === 0 ? "" : `\x1b[${drawn}A`}\x1b[J`).catch(() => undefined);
      drawn = 0;
    },
    close() {
      lines.clear();
      redraw();
    },
  };
}
