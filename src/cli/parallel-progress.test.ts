import { expect, test } from "vitest";
import type { OutputStream } from "./host.js";
import { parallelProgress } from "./parallel-progress.js";

/** A terminal of 60 columns that keeps what stands on it. */
function terminal() {
  let screen: string[] = [""];
  const stream: OutputStream = {
    isTerminal: true,
    columns: 60,
    async write(text) {
      const sequence = "\u001b\\[\\d*[AJ]";
      for (const [part] of text.matchAll(new RegExp(`\r|\n|${sequence}|[^\r\n\u001b]+`, "g"))) {
        if (part === "\r") continue;
        if (part === "\n") screen.push("");
        else if (part.endsWith("A") && part.startsWith("\u001b"))
          screen = screen.slice(0, screen.length - Number(part.slice(2, -1)));
        else if (part === "\u001b[J") screen[screen.length - 1] = "";
        else screen[screen.length - 1] += part;
      }
    },
  };
  return { stream, lines: () => screen.filter((line) => line !== "") };
}

test("each job has a line, what is said stays above, and a job that has ended leaves nothing", async () => {
  let now = 0;
  const { stream, lines } = terminal();
  const progress = parallelProgress(stream, () => now);
  const first = progress.job("one");
  const second = progress.job("two");
  now = 1000;
  first.start("Training", 100, "steps");
  second.start("Training", 50, "steps");
  now = 2000;
  first.update(10, "loss 1.0");
  now = 3000;
  second.update(20);
  expect(lines()).toEqual([
    expect.stringMatching(/^one {2}Training {2}10\/100 steps/),
    expect.stringMatching(/^two {2}Training {2}20\/50 steps/),
  ]);
  progress.say("one seed is measured");
  progress.ended("one");
  expect(lines()).toEqual(["one seed is measured", expect.stringMatching(/^two {2}Training/)]);
  progress.close();
  expect(lines()).toEqual(["one seed is measured"]);
});

test("no line is wider than the terminal", () => {
  let now = 0;
  const { stream, lines } = terminal();
  const progress = parallelProgress(stream, () => now);
  const job = progress.job("a-name-of-a-recipe-that-takes-most-of-the-line, seed 1");
  now = 5000;
  job.start("Running the model over a data set", 1000, "images");
  now = 9000;
  job.update(500, "a note that is long too");
  for (const line of lines()) expect(line.length).toBeLessThan(60);
});

test("a warning of someone else finds the lines gone, and they come back", () => {
  let now = 0;
  const { stream, lines } = terminal();
  const progress = parallelProgress(stream, () => now);
  progress.job("one");
  progress.pause();
  expect(lines()).toEqual([]);
  now = 1000;
  progress.job("two");
  expect(lines()).toHaveLength(2);
});
