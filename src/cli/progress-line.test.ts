import { expect, test } from "vitest";
import type { OutputStream } from "./host.js";
import { shareStream } from "./progress-line.js";
import { terminalProgress } from "./terminal-progress.js";

test("a sentence takes the place of an open line of progress, and none of a finished one", async () => {
  let shown = "";
  const write = async (text: string) => {
    shown += text;
  };
  const stream: OutputStream = { isTerminal: true, columns: 60, write };
  const { progress, sentences } = shareStream(stream);
  const bar = terminalProgress(progress, () => 0);
  await sentences.write("first\n");
  bar.start("Reading", 4, "images");
  await sentences.write("second\n");
  await sentences.write("third\n");
  bar.update(4);
  bar.finish();
  await sentences.write("fourth\n");
  const erase = "\r\x1b[K";
  expect(shown).toBe(
    ["first\n", `${erase}Reading …`, `${erase}second\n`, "third\n"].join("") +
      `${erase}Reading  4/4 images  4000 images/s, 0.0 s left${erase}Reading: 4 images in 0.0 s\nfourth\n`,
  );
});
