import { describe, expect, test } from "vitest";
import type { OutputStream } from "./host.js";
import { duration, terminalProgress } from "./terminal-progress.js";

function screen(columns = 120) {
  const written: string[] = [];
  const stream: OutputStream = {
    isTerminal: true,
    columns,
    async write(text) {
      written.push(text);
    },
  };
  let time = 0;
  const progress = terminalProgress(stream, () => time);
  return {
    progress,
    written,
    at: (milliseconds: number) => {
      time = milliseconds;
    },
    last: () => (written.at(-1) ?? "").replace("\r\x1b[K", ""),
  };
}

describe("progress on a terminal", () => {
  test("shows how much is done, the rate and the time left", () => {
    const { progress, at, last } = screen();
    progress.start("Fine-tuning", 100, "steps");
    at(2000);
    progress.update(10, "loss 0.5");
    expect(last()).toBe("Fine-tuning  10/100 steps  5.0 steps/s, 18 s left  loss 0.5");
  });

  test("without a known total shows what is done and the rate, and no time left", () => {
    const { progress, at, last } = screen();
    progress.start("archive.zip", 0, "MB");
    at(2000);
    progress.update(30);
    expect(last()).toBe("archive.zip  30 MB  15 MB/s");
    at(2010);
    progress.update(31);
    expect(last()).toBe("archive.zip  30 MB  15 MB/s");
    progress.finish();
    expect(last()).toBe("archive.zip: 31 MB in 2.0 s\n");
  });

  test("the rate follows the last seconds, not the slow start", () => {
    const { progress, at, last } = screen();
    progress.start("x", 1000, "images");
    at(60_000);
    progress.update(1);
    for (let second = 1; second <= 10; second++) {
      at(60_000 + second * 1000);
      progress.update(1 + 20 * second);
    }
    expect(last()).toContain("20 images/s, 40 s left");
  });

  test("redraws at most ten times a second, and always at the end", () => {
    const { progress, at, written, last } = screen();
    progress.start("x", 1000, "images");
    for (let done = 1; done <= 1000; done++) {
      at(done);
      progress.update(done);
    }
    expect(written.length).toBeLessThanOrEqual(13);
    expect(last()).toContain("1000/1000");
  });

  test("never wraps onto a second line, which could not be redrawn", () => {
    const { progress, written } = screen(20);
    progress.start("A very long title of a very long operation", 10, "images");
    progress.update(10, "a note");
    for (const text of written) expect(text.replace("\r\x1b[K", "").length).toBeLessThan(20);
  });

  test("the finished line stays on the screen and says how long it took", () => {
    const { progress, at, last } = screen();
    progress.start("Running", 500, "images");
    at(75_000);
    progress.finish();
    expect(last()).toBe("Running: 500 images in 1 min 15 s\n");
  });
});

test.each([
  [0.04, "0.0 s"],
  [9.94, "9.9 s"],
  [59, "59 s"],
  [59.7, "1 min 00 s"],
  [125, "2 min 05 s"],
  [3599.9, "1 h 00 min"],
  [11_220, "3 h 07 min"],
])("%d seconds read %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
