import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { tarBytes, zipBytes } from "../../../test/data/archives.js";
import { fileServer } from "../../../test/data/file-server.js";
import { cifarBytes, temporaryFolder } from "../../../test/data/files.js";
import { silent } from "../../progress.js";
import { openDataset } from "../open.js";
import { catalogue } from "./catalogue/index.js";
import type { DownloadContext } from "./download.js";
import { fetchDataset } from "./fetch-dataset.js";
import type { CatalogueEntry } from "./types.js";

const server = await fileServer();
const calm: DownloadContext = { progress: silent, signal: new AbortController().signal, patience: 1 };
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const images = gzipSync(
  tarBytes([
    { name: "batches/", kind: "folder" },
    { name: "batches/test.bin", content: cifarBytes([[1], [0]]) },
    { name: "batches/meta.txt", content: "cat\ndog\n\n" },
  ]),
);
const labels = zipBytes([{ name: "0001_labels.png", content: "not looked at" }]);
const entry: CatalogueEntry = {
  name: "tiny",
  title: "Two images",
  homepage: "http://127.0.0.1/",
  licence: "none",
  files: [
    {
      url: `${server.address}/images.tar.gz`,
      name: "images.tar.gz",
      bytes: images.length,
      checksum: { algorithm: "sha256", hex: sha256(images), statedBy: "publisher" },
      unpack: true,
    },
    { url: `${server.address}/labels.zip`, name: "labels.zip", unpack: true, into: "masks" },
    { url: `${server.address}/readme`, name: "readme.txt" },
  ],
  layout: "batches/",
  preparations: [{ kind: "class-names", from: "batches/meta.txt", files: ["batches/test.bin"] }],
  uses: [{ what: "test images", dataset: "cifar:{}/batches/test.bin" }],
};
const paths = ["/images.tar.gz", "/labels.zip", "/readme"] as const;
function serveAll(): void {
  server.serve("/images.tar.gz", { content: images });
  server.serve("/labels.zip", { content: labels });
  server.serve("/readme", { content: Buffer.from("hello") });
}
const asked = () => paths.map((path) => server.requests(path).length);
const everything = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(folder.length + 1))
    .sort();

describe("a data set", () => {
  test("is there whole after fetching, without its archives, and opens as the result says", async () => {
    const root = temporaryFolder();
    serveAll();
    const fetched = await fetchDataset(entry, root, calm);
    expect(fetched).toMatchObject({ status: "fetched", bytes: images.length + labels.length + 5 });
    expect(await readdir(root)).toEqual(["tiny"]);
    expect(await everything(fetched.folder)).toEqual([
      "batches/meta.txt",
      "batches/test.bin",
      "batches/test.classes.txt",
      "fetched.json",
      "masks/0001_labels.png",
      "readme.txt",
    ]);
    const dataset = await openDataset(fetched.uses[0]?.dataset ?? "");
    expect([dataset.length, dataset.classNames]).toEqual([2, ["cat", "dog"]]);
    expect(JSON.parse(await readFile(join(fetched.folder, "fetched.json"), "utf8"))).toMatchObject({
      title: "Two images",
      files: [{ url: entry.files[0]?.url, checksum: sha256(images) }, {}, {}],
    });
  });

  test("that is there is not fetched again", async () => {
    const root = temporaryFolder();
    serveAll();
    await fetchDataset(entry, root, calm);
    serveAll();
    expect(await fetchDataset(entry, root, calm)).toMatchObject({ status: "present", bytes: 0 });
    expect(asked()).toEqual([0, 0, 0]);
  });

  test("goes on after a failure with what is missing only, and is not there before it is whole", async () => {
    const root = temporaryFolder();
    serveAll();
    server.serve("/labels.zip", { content: labels, status: 403 });
    await expect(fetchDataset(entry, root, calm)).rejects.toThrow("403 Forbidden");
    expect(await readdir(root)).toEqual(["tiny.part"]);
    serveAll();
    expect(await fetchDataset(entry, root, calm)).toMatchObject({ status: "fetched", bytes: labels.length + 5 });
    expect(asked()).toEqual([0, 1, 1]);
    expect(await readdir(root)).toEqual(["tiny"]);
  });

  test("goes on in the middle of a file after a request to stop", async () => {
    const root = temporaryFolder();
    serveAll();
    server.serve("/images.tar.gz", { content: images, headers: { etag: '"1"' }, stallAfter: 50 });
    const stop = new AbortController();
    const stopped = fetchDataset(entry, root, {
      ...calm,
      signal: stop.signal,
      progress: { ...silent, update: () => stop.abort() },
    });
    await expect(stopped).rejects.toThrow("0.0 MB of images.tar.gz are kept");
    server.serve("/images.tar.gz", { content: images, headers: { etag: '"1"' } });
    await fetchDataset(entry, root, calm);
    expect(server.requests("/images.tar.gz")[0]?.range).toBe("bytes=50-");
  });

  test("whose archive is hostile never gets its place", async () => {
    const root = temporaryFolder();
    serveAll();
    server.serve("/labels.zip", { content: zipBytes([{ name: "../../../evil", content: "x" }]) });
    await expect(fetchDataset(entry, root, calm)).rejects.toThrow(
      /labels\.zip: .*invalid relative path|labels\.zip: expected names/,
    );
    expect(await readdir(root)).toEqual(["tiny.part"]);
  });
});

describe("the place of a data set", () => {
  test("is left alone when something else is there", async () => {
    const root = temporaryFolder();
    await mkdir(join(root, "tiny"));
    await writeFile(join(root, "tiny", "mine.txt"), "precious");
    await expect(fetchDataset(entry, root, calm)).rejects.toThrow(
      `${join(root, "tiny")}: this folder was not made by fetching tiny, and is left alone; move it away`,
    );
    expect(await readdir(join(root, "tiny"))).toEqual(["mine.txt"]);
  });

  test("is one process's at a time", async () => {
    const root = temporaryFolder();
    serveAll();
    await writeFile(join(root, "tiny.lock"), JSON.stringify({ pid: process.ppid, host: hostname() }));
    await expect(fetchDataset(entry, root, calm)).rejects.toThrow(
      `--root: expected a folder that no other fetch is at work in, got ${join(root, "tiny.part")}, where process ${process.ppid}`,
    );
    expect(asked()).toEqual([0, 0, 0]);
    await rm(join(root, "tiny.lock"));
    expect(await fetchDataset(entry, root, calm)).toMatchObject({ status: "fetched" });
    expect(await readdir(root)).toEqual(["tiny"]);
  });

  test("below a file is refused", async () => {
    const root = join(temporaryFolder(), "file");
    await writeFile(root, "");
    await expect(fetchDataset(entry, root, calm)).rejects.toThrow(
      "file/tiny: it cannot be looked into; choose another",
    );
  });
});

describe("a data set with a licence to accept", () => {
  const byHand = { ...entry, files: [], preparations: [], byHand: "register, and unpack into {}" };

  test("is not fetched, and the error says what to do", async () => {
    const root = temporaryFolder();
    await expect(fetchDataset(byHand, root, calm)).rejects.toThrow(
      `tiny: this data set cannot be fetched without you; register, and unpack into ${join(root, "tiny")}`,
    );
    expect(await readdir(root)).toEqual([]);
  });

  test("counts as present once something is in its folder", async () => {
    const root = temporaryFolder();
    await mkdir(join(root, "tiny"));
    await expect(fetchDataset(byHand, root, calm)).rejects.toThrow("without you");
    await writeFile(join(root, "tiny", "images"), "");
    expect(await fetchDataset(byHand, root, calm)).toMatchObject({ status: "present" });
  });
});

describe("the catalogue", () => {
  test("names every data set once, and every file of a data set", () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
    for (const { files } of catalogue) expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  });

  test.each(catalogue.map((item) => [item.name, item] as const))("%s is complete and can be checked", (name, item) => {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(new URL(item.homepage).protocol).toMatch(/^https?:$/);
    expect(item.files.length === 0).toBe(item.byHand !== undefined);
    for (const { url, name: file, checksum, bytes, unpack } of item.files) {
      expect(new URL(url).protocol).toMatch(/^https?:$/);
      expect(unpack === true).toBe(/\.(zip|tar|tar\.gz)$/.test(file));
      // Over plain http nothing but a checksum tells the file from another.
      if (url.startsWith("http:")) expect(checksum).toBeDefined();
      if (checksum !== undefined)
        expect(checksum.hex).toMatch(checksum.algorithm === "md5" ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
      if (bytes !== undefined) expect(Number.isSafeInteger(bytes)).toBe(true);
    }
  });
});
