import { describe, expect, test } from "vitest";
import { CancelledError, OptionError, RunError } from "../errors.js";
import { describeFailure, oneLine } from "./failures.js";

const system = (code: string, path?: string) => Object.assign(new Error(`${code}: something, open`), { code, path });

describe("failures", () => {
  test("bad input is 2, a failure on the way is 1, a request to stop is 130", () => {
    expect(describeFailure(new OptionError({ problem: "x" })).exitCode).toBe(2);
    expect(describeFailure(new RunError({ problem: "x" })).exitCode).toBe(1);
    expect(describeFailure(new CancelledError({ problem: "x" })).exitCode).toBe(130);
    expect(describeFailure(new TypeError("x is undefined")).exitCode).toBe(1);
  });

  test.each([
    ["ENOENT", 2, "a.bin: there is no such file or folder"],
    ["EACCES", 2, "a.bin: access is not allowed"],
    ["EISDIR", 2, "a.bin: expected a file, got a folder"],
    ["ENOSPC", 1, "a.bin: the disk is full"],
    ["EMFILE", 1, "a.bin: too many files are open"],
  ])("%s of the operating system becomes a sentence with exit code %d", (code, exitCode, start) => {
    const failure = describeFailure(system(code, "a.bin"));
    expect(failure.exitCode).toBe(exitCode);
    expect(failure.sentence.startsWith(start)).toBe(true);
  });

  test("an error without a path is about standard output, which has none", () => {
    expect(describeFailure(system("EPIPE")).sentence).toBe(
      "standard output: the program that reads the output ended before everything was written",
    );
  });

  test("an unexpected error stays one line and says how to see more", () => {
    const { sentence } = describeFailure(new TypeError("x is undefined\n    at foo"));
    expect(sentence).toMatch(/^unexpected error: x is undefined at foo; .*OFFMAP_DEBUG=1/);
  });

  test("running out of memory is no unexpected error", () => {
    expect(describeFailure(new RangeError("Array buffer allocation failed")).sentence).toContain("a smaller --batch");
  });

  test("thrown values that are no errors are still reported", () => {
    expect(describeFailure("boom").sentence).toContain("boom");
    expect(describeFailure(undefined).sentence).toContain("undefined");
  });
});

describe("one line", () => {
  test("file names cannot write to the terminal or turn the text around", () => {
    expect(oneLine("a\u001b[2Jb\u0007c\u202ed.png")).toBe("a\\u001b[2Jb\\u0007c\\u202ed.png");
  });

  test("line ends become spaces", () => {
    expect(oneLine("  first\r\n   second\n\nthird\n")).toBe("first second third");
  });
});
