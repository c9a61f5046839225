import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { npyBytes, temporaryFolder, write } from "../../test/data/files.js";
import { encodeNpy, npyNumbers, readNpy, writeNpy } from "./npy.js";

const folder = temporaryFolder();
let files = 0;
const file = (content: Uint8Array): Promise<string> => write(join(folder, `${files++}.npy`), content);
const header = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

describe("writing", () => {
  test("the bytes are those that numpy.save writes", () => {
    // numpy.save of numpy.array([1.5, -2], "f4"): NumPy 1.24, as hexadecimal.
    const expected = Buffer.concat([
      Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0x76, 0]),
      Buffer.from(`${header("<f4", "(2,)").padEnd(117)}\n`),
      Buffer.from("0000c03f000000c0", "hex"),
    ]);
    expect(Buffer.from(encodeNpy(Float32Array.of(1.5, -2))).equals(expected)).toBe(true);
  });

  test.each([
    Uint8Array.of(0, 255, 1, 2, 3, 4),
    Int32Array.of(-1, 2 ** 31 - 1, 0, 5, 6, 7),
    Float64Array.of(Math.PI, -0, Infinity, 1e-310, 2, 3),
    BigInt64Array.of(-(2n ** 63n), 2n, 3n, 4n, 5n, 6n),
  ])("%o comes back as it was, with its shape", async (data) => {
    const path = join(folder, "round.npy");
    await writeNpy(path, data, [2, 3]);
    const read = await readNpy(path);
    expect(read.shape).toEqual([2, 3]);
    expect(read.data).toEqual(data);
  });

  test("no temporary file is left behind, neither after success nor after failure", async () => {
    const own = join(folder, "own");
    await write(join(own, "x"), "");
    await writeNpy(join(own, "scores.npy"), Float32Array.of(1));
    await expect(writeNpy(join(own, "no", "scores.npy"), Float32Array.of(1))).rejects.toThrow(
      "it could not be written",
    );
    expect((await readdir(own)).sort()).toEqual(["scores.npy", "x"]);
  });

  test("a shape that does not fit is refused", async () => {
    await expect(writeNpy(join(folder, "bad.npy"), Float32Array.of(1, 2), [3])).rejects.toThrow(
      "expected 3 values for a shape of 3, got 2",
    );
  });
});

describe("reading", () => {
  test.each([1, 2, 3])("version %i headers", async (version) => {
    const path = await file(npyBytes(header("<i2", "(2,)"), Uint8Array.of(1, 0, 255, 255), version));
    expect([...npyNumbers(await readNpy(path))]).toEqual([1, -1]);
  });

  test("a single number has no axes", async () => {
    expect((await readNpy(await file(npyBytes(header("<f8", "()"), new Uint8Array(8))))).shape).toEqual([]);
  });

  test("Fortran order is harmless for one axis and refused for two", async () => {
    const flat = await file(npyBytes(header("|u1", "(3,)", "True"), Uint8Array.of(1, 2, 3)));
    expect((await readNpy(flat)).data).toEqual(Uint8Array.of(1, 2, 3));
    const square = await file(npyBytes(header("|u1", "(2, 2)", "True"), new Uint8Array(4)));
    await expect(readNpy(square)).rejects.toThrow(
      "expected C order, got Fortran order; save numpy.ascontiguousarray(array)",
    );
  });

  test.each([
    ["big-endian", header(">f4", "(1,)"), 4, 'convert with array.astype("<f4")'],
    ["objects, which would run code in Python", header("|O", "(1,)"), 8, 'got "|O"'],
    ["half precision", header("<f2", "(1,)"), 2, 'got "<f2"'],
    ["a name from the prototype", header("<constructor", "(1,)"), 2, "<constructor"],
    ["structured types", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, "structured"],
    [
      "a shape over all memory",
      header("|u1", "(1000000000, 1000000000)"),
      4,
      "expected 1000000000000000000 bytes of data",
    ],
    [
      "an infinite product",
      header("|u1", `(${Array.from({ length: 30 }, () => "999999999999999").join(", ")})`),
      4,
      "Infinity",
    ],
    ["a negative size", header("|u1", "(-1,)"), 4, "got -1"],
    ["a fractional size", header("|u1", "(1.5,)"), 4, "got 1.5"],
    ["more than 32 axes", header("|u1", `(${"1, ".repeat(33)})`), 1, "at most 32 sizes"],
    ["no dict", "import os", 4, "Python literal"],
    ["deep nesting", "{'descr': ".repeat(2000), 4, "at most 8 levels"],
    ["too few data", header("<f4", "(2,)"), 4, "expected 8 bytes of data for an array of 2, got 4"],
    ["too many data", header("<f4", "(2,)"), 12, "got 12"],
  ])("refused: %s", async (_, text, dataBytes, message) => {
    await expect(readNpy(await file(npyBytes(text, new Uint8Array(dataBytes))))).rejects.toThrow(message);
  });

  test("a header longer than the file is refused before anything is allocated", async () => {
    const bytes = npyBytes(header("<f4", "(1,)"), new Uint8Array(4), 2);
    Buffer.from(bytes.buffer, bytes.byteOffset).writeUInt32LE(0xfffffff0, 8);
    await expect(readNpy(await file(bytes))).rejects.toThrow("header claims 4294967280 bytes");
  });

  test.each([0, 5, 9])("%i bytes are no NPY file", async (length) => {
    const bytes = encodeNpy(Float32Array.of(1)).subarray(0, length);
    await expect(readNpy(await file(bytes))).rejects.toThrow("expected an NPY file");
  });

  test("every truncation of a file is refused", async () => {
    const whole = await readFile(await file(encodeNpy(Float32Array.of(1, 2))));
    for (let length = 0; length < whole.length; length += 3) {
      await expect(readNpy(await file(whole.subarray(0, length)))).rejects.toThrow();
    }
  });

  test("an NPZ archive is refused with what to do", async () => {
    const zip = await write(join(folder, "x.npz"), Buffer.from("504b0304000000000000000000", "hex"));
    await expect(readNpy(zip)).rejects.toThrow("got a ZIP archive (.npz); save each array on its own with numpy.save");
  });

  test("a missing file is named", async () => {
    await expect(readNpy(join(folder, "none.npy"))).rejects.toThrow("none.npy: no such file or folder");
  });
});
