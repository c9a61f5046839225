import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Packed, tarBytes, zipBytes } from "../../../test/data/archives.js";
import { temporaryFolder } from "../../../test/data/files.js";
import { CancelledError } from "../../errors.js";
import { silent } from "../../progress.js";
import { type UnpackOptions, unpack } from "./unpack.js";
import type { UnpackWriter } from "./unpack-writer.js";
import { unpackZip } from "./unpack-zip.js";

const formats = {
  tar: tarBytes,
  "tar.gz": (entries: readonly Packed[]) => gzipSync(tarBytes(entries)),
  zip: zipBytes,
} as const;
type Format = keyof typeof formats;
const names = Object.keys(formats) as Format[];
/** Made by test/reference/fetch.py. */
const reference = JSON.parse(readFileSync(new URL("../../../test/reference/fetch.json", import.meta.url), "utf8")) as {
  readonly archives: Readonly<Record<string, string>>;
  readonly contents: Readonly<Record<string, string>>;
};
const calm: UnpackOptions = { progress: silent, signal: new AbortController().signal };

/** Unpacks an archive that lies beside the folder it goes to, and lists everything that is there afterwards. */
async function unpacked(bytes: Uint8Array, options: Partial<UnpackOptions> = {}) {
  const around = temporaryFolder();
  const archive = join(around, "archive");
  await writeFile(archive, bytes);
  const outcome = await unpack(archive, join(around, "into"), { ...calm, ...options }).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  const files = (await readdir(around, { recursive: true })).filter((name) => name !== "archive" && name !== "into");
  return {
    error: outcome?.message.replaceAll(around, "AROUND"),
    outcome,
    files: files.sort(),
    read: (name: string) => readFile(join(around, name), "utf8"),
  };
}

test.each(["tar", "tar.gz"] as const)("a %s with a long end is read to it", async (format) => {
  const bytes = Buffer.concat([tarBytes([{ name: "a.txt", content: "one" }]), Buffer.alloc(2_000_000)]);
  const { error, files } = await unpacked(format === "tar" ? bytes : gzipSync(bytes));
  expect([error, files]).toEqual([undefined, ["into/a.txt"]]);
});

describe.each(names)("a %s archive", (format) => {
  const pack = formats[format];

  test("becomes the files and folders that it holds", async () => {
    const { error, files, read } = await unpacked(
      pack(
        [
          { name: "set/", kind: "folder" },
          { name: "set/empty/", kind: "folder" },
          { name: "set/a.txt", content: "one" },
          { name: "./set/deep/er/b c.txt", content: "x".repeat(200_000) },
          { name: "top", content: "" },
        ].filter(({ name }) => format !== "zip" || !name.startsWith(".")) as Packed[],
      ),
    );
    expect(error).toBeUndefined();
    const deep = format === "zip" ? [] : ["into/set/deep", "into/set/deep/er", "into/set/deep/er/b c.txt"];
    expect(files).toEqual(["into/set", "into/set/a.txt", ...deep, "into/set/empty", "into/top"].sort());
    expect(await read("into/set/a.txt")).toBe("one");
    if (format !== "zip") expect(await read("into/set/deep/er/b c.txt")).toHaveLength(200_000);
  });

  test.each(["../evil", "a/../../evil", "/tmp/offmap-evil", "..\\evil", "C:\\evil"])(
    "that would write to %s is refused, and writes nothing there",
    async (name) => {
      const { error, files } = await unpacked(
        pack([
          { name: "good", content: "1" },
          { name, content: "2" },
        ]),
      );
      expect(error).toMatch(/AROUND\/archive: /);
      expect(files.filter((file) => file !== "into/good")).toEqual([]);
    },
  );

  test("keeps out links, also as a way for a later file to get elsewhere", async () => {
    const { error, files } = await unpacked(
      pack([
        { name: "way", content: "..", kind: "link" },
        { name: "way/evil", content: "2" },
      ]),
    );
    expect(error).toBeUndefined();
    expect(files).toEqual(["into/way", "into/way/evil"]);
  });

  test("that holds more than allowed is refused", async () => {
    const entries = [
      { name: "a", content: "0".repeat(60_000) },
      { name: "b", content: "0".repeat(60_000) },
    ];
    const { error } = await unpacked(pack(entries), { mostBytes: 100_000 });
    expect(error).toBe(
      "AROUND/archive: expected at most 100000 bytes inside, got more; unpack it by hand if you trust it",
    );
    expect((await unpacked(pack(entries), { mostBytes: 120_000 })).error).toBeUndefined();
  });

  test("that is cut off is refused", async () => {
    const whole = pack([{ name: "a", content: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * at) % 251)) }]);
    const { error } = await unpacked(whole.subarray(0, whole.length * 0.6));
    expect(error).toMatch(/AROUND\/archive: the archive is broken \(.+\); remove it and fetch it again/);
  });

  test("stops on request", async () => {
    const stop = new AbortController();
    stop.abort();
    const { outcome } = await unpacked(pack([{ name: "a", content: "1" }]), { signal: stop.signal });
    expect(outcome).toBeInstanceOf(CancelledError);
  });

  test("unpacks again over what an interrupted run left", async () => {
    const around = temporaryFolder();
    await writeFile(join(around, "archive"), pack([{ name: "a", content: "new" }]));
    await writeFile(join(around, "a"), "older and longer");
    await unpack(join(around, "archive"), around, calm);
    expect(await readFile(join(around, "a"), "utf8")).toBe("new");
  });
});

describe("archives by Python's tarfile and zipfile", () => {
  test.each(Object.entries(reference.archives))(
    "%s: long and foreign names, folders and contents come out",
    async (format, bytes) => {
      const around = temporaryFolder();
      await writeFile(join(around, "archive"), Buffer.from(bytes, "base64"));
      await unpack(join(around, "archive"), join(around, "into"), calm);
      const expected = Object.entries(reference.contents).filter(([name]) => format !== "ustar" || !name.includes("ß"));
      for (const [name, content] of expected) {
        expect((await readFile(join(around, "into", name))).toString("base64")).toBe(content);
      }
      const found = (await readdir(join(around, "into"), { recursive: true, withFileTypes: true })).filter((entry) =>
        entry.isFile(),
      );
      expect(found).toHaveLength(expected.length);
    },
  );
});

test("hard links and devices in a tar archive are left out", async () => {
  const { error, files } = await unpacked(
    tarBytes([
      { name: "passwords", content: "/etc/passwd", kind: "hard link" },
      { name: "disk", kind: "device" },
      { name: "a", content: "1" },
    ]),
  );
  expect([error, files]).toEqual([undefined, ["into/a"]]);
});

test("a file of a ZIP archive that is longer than its directory says is refused", async () => {
  const { error } = await unpacked(zipBytes([{ name: "a", content: "0".repeat(100_000), claimedBytes: 10 }]));
  expect(error).toMatch(/the archive is broken \(.*too many bytes/);
});

test("a broken file of a ZIP archive fails where it is read, however late that is", async () => {
  const archive = join(temporaryFolder(), "archive.zip");
  await writeFile(archive, zipBytes([{ name: "a", content: "0".repeat(100_000), claimedBytes: 10 }]));
  const slow: UnpackWriter = {
    async file(_name, content) {
      await setTimeout(100);
      await text(Readable.from(content));
    },
    folder: async () => undefined,
  };
  await expect(unpackZip(archive, slow, silent, calm.signal)).rejects.toThrow("too many bytes");
});

test("a tar archive with a broken header is refused", async () => {
  const bytes = tarBytes([
    { name: "a", content: "1" },
    { name: "b", content: "2" },
  ]);
  bytes[1024 + 3] = 1;
  expect((await unpacked(bytes)).error).toMatch(/the archive is broken \(a header whose checksum is wrong/);
});

test("compressed data with a flipped bit are refused", async () => {
  const bytes = gzipSync(
    tarBytes([{ name: "a", content: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * at) % 251)) }]),
  );
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 1;
  expect((await unpacked(bytes)).error).toMatch(/the archive is broken/);
});

test("what is no archive is refused", async () => {
  expect((await unpacked(Buffer.from("<html>please log in</html>"))).error).toBe(
    "AROUND/archive: expected a .zip, .tar or .tar.gz archive, got another file",
  );
});
