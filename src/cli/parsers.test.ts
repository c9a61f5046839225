import { describe, expect, test } from "vitest";
import { OptionError } from "../errors.js";
import { namedDataset } from "./named-dataset.js";
import { integer, number, numberOrAuto, oneOf, type Parser, text } from "./parsers.js";

const failure = async (parser: Parser<unknown>, given: string): Promise<string> => {
  const error: unknown = await parser.parse(given, "--x").then(
    (value) => `accepted as ${String(value)}`,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OptionError);
  return (error as OptionError).message;
};

describe("numbers", () => {
  test.each([
    ["0.001", 0.001],
    ["1e-3", 0.001],
    ["-23", -23],
    [".5", 0.5],
    ["5.", 5],
    ["+2", 2],
  ])("%s is read as %d", async (given, value) => {
    expect(await number().parse(given, "--x")).toBe(value);
  });

  test.each(["", " ", "abc", "1,5", "0x10", "1_000", "Infinity", "NaN", "1e999", "--5", "5 6"])(
    "%j is refused: JavaScript would take some of these for numbers",
    async (given) => {
      expect(await failure(number(), given)).toContain("expected a number");
    },
  );

  test("the bounds belong to the range, except one that must be exceeded", async () => {
    expect(await number({ min: 0, max: 1 }).parse("0", "--x")).toBe(0);
    expect(await number({ min: 0, max: 1 }).parse("1", "--x")).toBe(1);
    expect(await failure(number({ min: 0, max: 1 }), "1.0001")).toBe(
      '--x: expected a number of at least 0 and at most 1, got "1.0001"',
    );
    expect(await failure(number({ above: 0 }), "0")).toBe('--x: expected a number above 0, got "0"');
    expect(await failure(number({ max: 5 }), "6")).toBe('--x: expected a number of at most 5, got "6"');
  });

  test("a count refuses fractions", async () => {
    expect(await failure(integer({ min: 1 }), "2.5")).toBe('--x: expected a whole number of at least 1, got "2.5"');
  });

  test("auto passes beside numbers, other words do not", async () => {
    expect(await numberOrAuto({ min: -1 }).parse("auto", "--x")).toBe("auto");
    expect(await numberOrAuto({ min: -1 }).parse("-0.5", "--x")).toBe(-0.5);
    expect(await failure(numberOrAuto({ min: -1 }), "automatic")).toBe(
      '--x: expected a number of at least -1, or auto, got "automatic"',
    );
  });
});

describe("words", () => {
  test("a mistyped word gets the list and the nearest one", async () => {
    const parser = oneOf(async () => ["energy", "balanced-energy", "oe"]);
    expect(await parser.parse("oe", "--x")).toBe("oe");
    expect(await failure(parser, "balanced-enregy")).toBe(
      '--x: expected one of energy, balanced-energy, oe, got "balanced-enregy"; did you mean balanced-energy?',
    );
  });

  test("names of an object's prototype are not choices", async () => {
    expect(await failure(oneOf(["a"]), "constructor")).toContain("expected a");
  });

  test("an empty text is not a path", async () => {
    expect(await failure(text("a path"), "  ")).toBe("--x: expected a path, got an empty text");
  });
});

describe("named datasets", () => {
  test.each([
    ["textures=folder:dtd", { name: "textures", dataset: "folder:dtd" }],
    ["folder:dtd", { dataset: "folder:dtd" }],
    ["folder:dtd?limit=5&seed=1", { dataset: "folder:dtd?limit=5&seed=1" }],
    ["my set=cifar:a.bin?limit=5", { name: "my set", dataset: "cifar:a.bin?limit=5" }],
    ["runs/a=b/images", { dataset: "runs/a=b/images" }],
  ])("%s", async (given, value) => {
    expect(await namedDataset.parse(given, "--ood")).toEqual(value);
  });

  test("a name without a dataset is refused", async () => {
    expect(await failure(namedDataset, "textures=")).toContain("expected NAME=DS or DS");
  });
});
