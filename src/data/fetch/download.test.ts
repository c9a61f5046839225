import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileServer } from "../../../test/data/file-server.js";
import { temporaryFolder } from "../../../test/data/files.js";
import { CancelledError, RunError } from "../../errors.js";
import { silent } from "../../progress.js";
import { type DownloadContext, download } from "./download.js";
import type { CatalogueFile } from "./types.js";

const server = await fileServer();
const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at) % 251));
const etag = '"version-1"';
const versioned = { content, headers: { etag } };
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

let files = 0;
function setUp(more: Partial<CatalogueFile> = {}) {
  const path = `/file${files++}.bin`;
  const folder = temporaryFolder();
  return {
    path,
    folder,
    target: join(folder, "file.bin"),
    file: {
      url: `${server.address}${path}`,
      name: "file.bin",
      bytes: content.length,
      checksum: { algorithm: "md5", hex: md5(content), statedBy: "publisher" },
      ...more,
    } satisfies CatalogueFile as CatalogueFile,
  };
}
const context: DownloadContext = { progress: silent, signal: new AbortController().signal, patience: 1 };
const { checksum: _, ...unchecked } = setUp().file;

/** Downloads, and gives the ranges that were asked for. */
async function ranges(path: string, run: () => Promise<unknown>): Promise<(string | undefined)[]> {
  await run();
  return server.requests(path).map(({ range }) => range);
}

/** Comparing buffers by Node is a thousand times faster than by the test runner. */
async function expectWhole(target: string): Promise<void> {
  expect((await readFile(target)).equals(content)).toBe(true);
}

describe("a download", () => {
  test("ends in the file alone, checked", async () => {
    const { path, file, folder, target } = setUp();
    server.serve(path, versioned);
    expect(await download(file, target, context)).toBe(content.length);
    await expectWhole(target);
    expect(await readdir(folder)).toEqual(["file.bin"]);
  });

  test("of a file that is there asks the server nothing, but checks it", async () => {
    const { path, file, target } = setUp();
    server.serve(path, versioned);
    await writeFile(target, content);
    expect(await download(file, target, context)).toBe(0);
    expect(server.requests(path)).toEqual([]);
    await writeFile(target, content.subarray(1));
    await expect(download(file, target, context)).rejects.toThrow("expected 300000 bytes, got 299999");
  });

  test("of a file whose length nobody says comes whole", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content, unsized: true });
    await download({ url: file.url, name: file.name }, target, context);
    await expectWhole(target);
  });

  test("follows redirects, also relative ones", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content: Buffer.of(), status: 302, headers: { location: "/elsewhere" } });
    server.serve("/elsewhere", versioned);
    await download(file, target, context);
    await expectWhole(target);
  });

  test("keeps a compressed file as it is when the server calls it compressed", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content, headers: { "content-encoding": "gzip" } });
    await download(file, target, context);
    expect(server.requests(path)[0]?.["accept-encoding"]).toBe("identity");
  });

  test("tells what it does in millions of bytes", async () => {
    const { path, file, target } = setUp();
    server.serve(path, versioned);
    const told: unknown[] = [];
    const progress = {
      start: (...all: unknown[]) => told.push(all),
      update: (done: number) => told.push(done),
      finish: () => told.push("finished"),
    };
    await download(file, target, { ...context, progress });
    expect(told[0]).toEqual(["file.bin", 0.3, "MB"]);
    expect(told.slice(-4)).toEqual([0.3, "finished", ["Checking file.bin", 0.3, "MB"], "finished"]);
  });
});

describe("after a broken connection", () => {
  test("the download goes on from the byte it reached, if the file is still the same", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, cutAfter: 100_000 }, { ...versioned, cutAfter: 50_000 }, versioned);
    expect(await ranges(path, () => download(file, target, context))).toEqual([
      undefined,
      "bytes=100000-",
      "bytes=150000-",
    ]);
    expect(server.requests(path)[1]?.["if-range"]).toBe(etag);
    await expectWhole(target);
  });

  test("it starts over when the server has another file by now", async () => {
    const { path, file, target } = setUp();
    const old = { content: Buffer.alloc(content.length), headers: { etag: '"version-0"' }, cutAfter: 100_000 };
    server.serve(path, old, versioned);
    expect(await ranges(path, () => download(file, target, context))).toEqual([undefined, "bytes=100000-"]);
    await expectWhole(target);
  });

  test("it starts over with a server that knows no ranges", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, cutAfter: 100_000 }, { ...versioned, ranges: false });
    await download(file, target, context);
    await expectWhole(target);
  });

  test("it goes on by the checksum alone where the server tells nothing of the version, a weak ETag being nothing", async () => {
    const { path, file, target } = setUp();
    const weak = { content, headers: { etag: 'W/"1"' } };
    server.serve(path, { ...weak, cutAfter: 100_000 }, { content });
    expect(await ranges(path, () => download(file, target, context))).toEqual([undefined, "bytes=100000-"]);
    expect(server.requests(path)[1]?.["if-range"]).toBeUndefined();
  });

  test("it starts over where neither version nor checksum would show a mix of two files", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content, cutAfter: 100_000 }, { content });
    expect(await ranges(path, () => download({ ...unchecked, url: file.url }, target, context))).toEqual([
      undefined,
      undefined,
    ]);
    await expectWhole(target);
  });

  test("a later call goes on, unless the address is another", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, cutAfter: 1000 }, { content: Buffer.of(), status: 404 });
    await expect(download(file, target, context)).rejects.toThrow("404");
    server.serve(path, versioned);
    expect(await ranges(path, () => download(file, target, context))).toEqual(["bytes=1000-"]);

    const moved = setUp();
    server.serve(moved.path, { ...versioned, cutAfter: 1000 }, { content: Buffer.of(), status: 404 });
    await expect(download(moved.file, moved.target, context)).rejects.toThrow("404");
    server.serve("/moved", versioned);
    const there = { ...moved.file, url: `${server.address}/moved` };
    expect(await ranges("/moved", () => download(there, moved.target, context))).toEqual([undefined]);
  });

  test("nothing is asked for twice when only the last byte's confirmation was lost", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, cutAfter: content.length, claimsMore: 0 }, versioned);
    await writeFile(`${target}.part`, content);
    await writeFile(`${target}.part.json`, JSON.stringify({ url: file.url, validator: etag }));
    expect(await ranges(path, () => download(file, target, context))).toEqual(["bytes=300000-"]);
    await expectWhole(target);
  });

  test("a part that is longer than the file is thrown away", async () => {
    const { path, file, target } = setUp();
    server.serve(path, versioned);
    await writeFile(`${target}.part`, Buffer.alloc(content.length + 5));
    await writeFile(`${target}.part.json`, JSON.stringify({ url: file.url, validator: etag }));
    await download(file, target, context);
    await expectWhole(target);
  });

  test("five attempts in a row without a byte are enough, and what came before is kept", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, cutAfter: 100_000 }, { content: Buffer.of(), status: 503 });
    const failed = download(file, target, context);
    await expect(failed).rejects.toThrow(
      `${file.url}: the server answered 503 Service Unavailable, 5 times in a row; 0.1 MB are kept; repeat the command later`,
    );
    expect(server.requests(path)).toHaveLength(5);
    await expect(failed).rejects.toBeInstanceOf(RunError);
    expect((await readFile(`${target}.part`)).length).toBe(100_000);
  });

  test("fewer bytes than the server promised, over and over, are not the file", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content: content.subarray(1), claimsMore: 1 });
    await expect(download({ url: file.url, name: file.name }, target, context)).rejects.toThrow("5 times in a row");
    expect(server.requests(path)).toHaveLength(5);
    expect(existsSync(target)).toBe(false);
  });
});

describe("refused", () => {
  test("a file with another checksum, which is put aside, and does not spoil the next attempt", async () => {
    const { path, file, folder, target } = setUp();
    const other = Buffer.from(content);
    other[7] = 0;
    server.serve(path, { content: other, headers: { etag } });
    await expect(download(file, target, context)).rejects.toThrow(
      `${file.url}: expected md5 ${md5(content)}, as stated by publisher, got ${md5(other)}; the file is kept as ${target}.rejected`,
    );
    expect(await readdir(folder)).toEqual(["file.bin.rejected"]);
    server.serve(path, versioned);
    expect(await ranges(path, () => download(file, target, context))).toEqual([undefined]);
    await expectWhole(target);
  });

  test("a file of another length, before anything is written", async () => {
    const { path, file, folder, target } = setUp();
    server.serve(path, { content: content.subarray(10) });
    await expect(download(file, target, context)).rejects.toThrow(
      "expected 300000 bytes, got 299990 offered by the server",
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test("an endless file of unknown length", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content: Buffer.concat([content, content]), unsized: true });
    await expect(download(file, target, context)).rejects.toThrow("expected 300000 bytes, got more");
  });

  test.each([
    [
      "an address without a file",
      { content: Buffer.of(), status: 404 },
      "expected the file, got 404 Not Found from the server",
    ],
    ["a file that needs a password", { content: Buffer.of(), status: 401 }, "got 401 Unauthorized from the server"],
    [
      "a web page in place of the file",
      { content: Buffer.from("<html>"), headers: { "content-type": "text/html; charset=utf-8" } },
      "expected file.bin, got a web page; open the address in a browser",
    ],
  ])("%s, at once", async (_name, answer, message) => {
    const { path, file, target } = setUp();
    server.serve(path, answer);
    await expect(download(file, target, context)).rejects.toThrow(message);
    expect(server.requests(path)).toHaveLength(1);
  });

  test("a server that sends in circles", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content: Buffer.of(), status: 301, headers: { location: path } });
    await expect(download(file, target, context)).rejects.toThrow("sends on more than 8 times");
  });

  test("a server that nobody knows", async () => {
    const { file, target } = setUp();
    const nowhere = { ...file, url: "http://offmap.invalid/file.bin" };
    await expect(download(nowhere, target, context)).rejects.toThrow(/offmap\.invalid\/file\.bin: the server's name/);
  });
});

describe("the disk", () => {
  test.skipIf(!existsSync("/dev/full"))("that is full is named, and what arrived before is not lost", async () => {
    const { path, file, target } = setUp();
    server.serve(path, versioned);
    await symlink("/dev/full", `${target}.part`);
    await expect(download(file, target, context)).rejects.toThrow(
      `${target}.part: the disk is full; free some space and repeat the command`,
    );
  });

  test("that has something else in the way is named", async () => {
    const { path, file, target } = setUp();
    server.serve(path, versioned);
    await mkdir(`${target}.part`);
    await expect(download(file, target, context)).rejects.toThrow(
      `${target}.part: a folder of that name is in the way`,
    );
  });

  test("that is too small for the file is found out before the download", async () => {
    const { path, file, target } = setUp();
    const bytes = 2 ** 60;
    server.serve(path, { content, headers: { "content-length": String(bytes) } });
    await expect(download({ ...file, bytes }, target, context)).rejects.toThrow(
      /1152921504606.8 MB are to come, and the disk has room for [\d.]+ MB; free some space/,
    );
  });
});

describe("a request to stop", () => {
  test("keeps what arrived, says so, and the next call goes on", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { ...versioned, stallAfter: 200_000 });
    const stop = new AbortController();
    const progress = { ...silent, update: (done: number) => done >= 0.2 && stop.abort() };
    const stopped = download(file, target, { ...context, progress, signal: stop.signal });
    await expect(stopped).rejects.toThrow(
      "stopped on request; 0.2 MB of file.bin are kept, and the same command goes on from there",
    );
    await expect(stopped).rejects.toBeInstanceOf(CancelledError);
    server.serve(path, versioned);
    expect(await ranges(path, () => download(file, target, context))).toEqual(["bytes=200000-"]);
    await expectWhole(target);
  });

  test("is heard while waiting for the next attempt", async () => {
    const { path, file, target } = setUp();
    server.serve(path, { content: Buffer.of(), status: 503 });
    const stop = new AbortController();
    const stopped = download(file, target, { ...context, patience: 600_000, signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(stopped).rejects.toBeInstanceOf(CancelledError);
  });
});
