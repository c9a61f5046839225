import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runInMemory } from "../cli/memory-host.js";
import { badInputCases, tuneCommand } from "./cases.js";
import { badInputDocument } from "./document.js";
import { makeFiles } from "./files.js";

const startedIn = process.cwd();
let folder = "";

/** The text and nothing else, with anything but a line end for an ellipsis. */
const exactly = (text: string) =>
  new RegExp(
    `^${text
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".+")}$`,
  );

const run = (command: string) => runInMemory(command.split(" ").slice(1));

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-bad-input-")));
  await makeFiles(folder);
  process.chdir(folder);
});

afterAll(() => {
  process.chdir(startedIn);
});

describe("bad input is answered with one sentence and an exit code", () => {
  test.each(badInputCases)("$kind", async ({ kind, command, exitCode, message }) => {
    if (kind === "resume with other options") await run(tuneCommand);
    const ended = await run(command);
    expect(ended.stderr.replaceAll(`${folder}/`, "")).toMatch(exactly(`offmap: ${message}\n`));
    expect(ended.stdout).toBe("");
    expect(ended.exitCode).toBe(exitCode);
  });

  test("nothing half-written is left behind", async () => {
    const left = (await readdir(folder, { recursive: true })).filter((name) => /\.(tmp|part)$/.test(name));
    expect(left).toEqual([]);
  });
});

test("the good files are good: the run that the cases break succeeds", async () => {
  const { exitCode, stderr } = await run(tuneCommand.replace("--out run", "--out good"));
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});

test.skipIf(!existsSync("/dev/full"))("a full disk behind standard output is a failure, not a success", async () => {
  const program = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
  const ended: unknown = await promisify(execFile)("sh", [
    "-c",
    `"${process.execPath}" "${program}" metrics --id scores.npy --ood scores.npy > /dev/full`,
  ]).catch((error: unknown) => error);
  expect(ended).toMatchObject({
    code: 1,
    stderr: "offmap: standard output: the disk is full; free some space and repeat the command\n",
  });
});

test("docs/bad-input.md shows the cases; run this file with -u to write it anew", async () => {
  expect(badInputCases.length).toBeGreaterThanOrEqual(40);
  await expect(badInputDocument(badInputCases)).toMatchFileSnapshot("../../docs/bad-input.md");
});
