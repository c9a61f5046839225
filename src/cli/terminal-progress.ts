/** Progress on one line of a terminal, redrawn in place. */
import type { Progress } from "../training/progress.js";
import type { OutputStream } from "./host.js";

/** Redrawing more often costs time and shows nothing more. */
const redrawMilliseconds = 100;
/** The rate is the average over at least this long, so that the time left does not jump about. */
const rateWindowMilliseconds = 5000;

/** @param now  milliseconds from any start */
export function terminalProgress(stream: OutputStream, now: () => number): Progress {
  let title = "";
  /** 0 where it is not known. */
  let total = 0;
  let lastDone = 0;
  let unit = "";
  let started = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  let marks: { readonly time: number; readonly done: number }[] = [];

  const draw = (line: string, end = "") => {
    const width = (stream.columns ?? 80) - 1;
    // A terminal that went away must not end the work.
    stream.write(`\r\x1b[K${line.slice(0, width)}${end}`).catch(() => undefined);
  };

  return {
    start(newTitle, newTotal, newUnit) {
      title = newTitle;
      total = newTotal;
      unit = newUnit;
      lastDone = 0;
      started = now();
      drawn = Number.NEGATIVE_INFINITY;
      marks = [{ time: started, done: 0 }];
      draw(`${title} …`);
    },
    update(done, note) {
      const time = now();
      lastDone = done;
      if (time - drawn < redrawMilliseconds && (done < total || total === 0)) return;
      drawn = time;
      marks.push({ time, done });
      while (marks.length > 2 && time - (marks[1]?.time ?? time) > rateWindowMilliseconds) marks.shift();
      const first = marks[0] ?? { time, done };
      const rate = (1000 * (done - first.done)) / Math.max(1, time - first.time);
      const left = rate > 0 && total > 0 ? `, ${duration((total - done) / rate)} left` : "";
      draw(
        `${title}  ${total > 0 ? `${done}/${total}` : done} ${unit}  ${formatRate(rate)} ${unit}/s${left}${note ? `  ${note}` : ""}`,
      );
    },
    finish(note) {
      const seconds = (now() - started) / 1000;
      draw(`${title}: ${total > 0 ? total : lastDone} ${unit} in ${duration(seconds)}${note ? `, ${note}` : ""}`, "\n");
    },
  };
}

function formatRate(rate: number): string {
  return rate >= 100 ? String(Math.round(rate)) : rate.toPrecision(2);
}

/** Seconds as people say them: `9 s`, `2 min 05 s`, `3 h 07 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
