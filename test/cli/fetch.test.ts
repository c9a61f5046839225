import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import type { CatalogueEntry } from "../../src/data/fetch/index.js";
import { tarBytes } from "../data/archives.js";
import { fileServer } from "../data/file-server.js";
import { cifarBytes, temporaryFolder } from "../data/files.js";
import { json, runInMemory, text } from "./memory-host.js";

const server = await fileServer();
const archive = gzipSync(tarBytes([{ name: "bin/test.bin", content: cifarBytes([[1], [0]]) }]));
const md5 = createHash("md5").update(archive).digest("hex");

// The commands with a catalogue of their own: the true one leads to servers that no test may ask.
const entries = vi.hoisted(() => [] as CatalogueEntry[]);
vi.mock("../../src/data/fetch/catalogue/index.js", () => ({ catalogue: entries }));
const url = server.serve("/tiny.tar.gz", { content: archive, headers: { etag: '"1"' } });
entries.push(
  {
    name: "tiny",
    title: "Two images",
    homepage: "http://127.0.0.1/",
    licence: "free",
    files: [
      {
        url,
        name: "tiny.tar.gz",
        bytes: archive.length,
        checksum: { algorithm: "md5", hex: md5, statedBy: "publisher" },
        unpack: true,
      },
    ],
    layout: "bin/test.bin",
    uses: [{ what: "test images", dataset: "cifar:{}/bin/test.bin" }],
  },
  {
    name: "guarded",
    title: "Behind a form",
    homepage: "http://127.0.0.1/",
    licence: "to be accepted",
    files: [],
    byHand: "register, and unpack into {}",
    layout: "",
    uses: [],
  },
);
afterEach(() => vi.unstubAllEnvs());

test("fetch downloads, checks and unpacks, and says how to open what came", async () => {
  const root = temporaryFolder();
  expect(await text("fetch", "tiny", "--root", root)).toBe(
    `tiny: fetched into ${root}/tiny, 0.0 MB; licence: free\n  test images  cifar:${root}/tiny/bin/test.bin\n`,
  );
  expect(await text("fetch", "tiny", "--root", root)).toBe(
    `tiny: is in ${root}/tiny\n  test images  cifar:${root}/tiny/bin/test.bin\n`,
  );
  expect((await readdir(join(root, "tiny"))).sort()).toEqual(["bin", "fetched.json"]);
});

test("OFFMAP_DATA is where data sets go by default; JSON has the same facts", async () => {
  const root = temporaryFolder();
  vi.stubEnv("OFFMAP_DATA", root);
  expect(await json("fetch", "tiny", "tiny")).toEqual({
    root,
    datasets: [
      {
        name: "tiny",
        folder: join(root, "tiny"),
        status: "fetched",
        bytes: archive.length,
        uses: [{ what: "test images", dataset: `cifar:${root}/tiny/bin/test.bin` }],
        licence: "free",
      },
    ],
    failures: [],
  });
});

test("what stops one data set does not stop the next, and is told", async () => {
  const root = temporaryFolder();
  const { stdout, stderr, exitCode } = await runInMemory(["fetch", "guarded", "tiny", "--root", root]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^offmap: warning: guarded: .*register/);
  expect(stdout).toContain(`tiny: fetched into ${root}/tiny`);
});

test("--list needs no folder and no server", async () => {
  expect(await text("fetch", "--list")).toBe("tiny        1 MB  Two images\nguarded  by hand  Behind a form\n");
  const { datasets } = await json<{ datasets: Record<string, unknown>[] }>("fetch", "--list");
  expect(datasets[0]).toEqual({
    name: "tiny",
    title: "Two images",
    homepage: "http://127.0.0.1/",
    licence: "free",
    layout: "bin/test.bin",
    bytes: archive.length,
    by_hand: false,
    files: [{ url, bytes: archive.length, checksum: { algorithm: "md5", hex: md5, statedBy: "publisher" } }],
  });
  expect(datasets[1]).toMatchObject({ by_hand: true, bytes: null, files: [] });
});

test("progress shows the rate and what is left", async () => {
  const { stderr } = await runInMemory(["fetch", "tiny", "--root", temporaryFolder()], { terminal: true });
  expect(stderr).toMatch(/tiny\.tar\.gz +0\/0 MB|tiny\.tar\.gz.*MB in/);
});

test("ctrl-C ends with 130 and keeps what came", async () => {
  const root = temporaryFolder();
  server.serve("/tiny.tar.gz", { content: archive, headers: { etag: '"1"' }, stallAfter: 40 });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  const { exitCode, stderr } = await runInMemory(["fetch", "tiny", "--root", root], { signal: stop.signal });
  expect(exitCode).toBe(130);
  expect(stderr).toBe(
    "offmap: stopped on request; 0.0 MB of tiny.tar.gz are kept, and the same command goes on from there\n",
  );
  expect((await readdir(join(root, "tiny.part"))).sort()).toEqual(["tiny.tar.gz.part", "tiny.tar.gz.part.json"]);
  server.serve("/tiny.tar.gz", { content: archive, headers: { etag: '"1"' } });
  await text("fetch", "tiny", "--root", root);
  expect(server.requests("/tiny.tar.gz")[0]?.range).toBe("bytes=40-");
});

test.each([
  ["no name", ["--root", "data"], 2, "NAME: expected a data set, got none; see `offmap fetch --list`"],
  [
    "an unknown name",
    ["tinny", "--root", "data"],
    2,
    'NAME: expected one of tiny, guarded, got "tinny"; did you mean tiny?',
  ],
  ["no folder", ["tiny"], 2, "--root: expected a folder for the data, got none; give --root DIR or set OFFMAP_DATA"],
  [
    "a licence",
    ["guarded", "--root", "data"],
    2,
    "guarded: this data set cannot be fetched without you; register, and unpack into data/guarded",
  ],
])("%s is answered with one sentence", async (_name, argv, expected, message) => {
  vi.stubEnv("OFFMAP_DATA", "");
  const { exitCode, stderr } = await runInMemory(["fetch", ...argv]);
  expect([exitCode, stderr]).toEqual([expected, `offmap: ${message}\n`]);
});

test("a failed download ends with 1", async () => {
  server.serve("/tiny.tar.gz", { content: archive, status: 410 });
  const { exitCode, stderr } = await runInMemory(["fetch", "tiny", "--root", temporaryFolder()]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^offmap: http:.*tiny\.tar\.gz: expected the file, got 410 Gone from the server; the address may have moved/,
  );
});
