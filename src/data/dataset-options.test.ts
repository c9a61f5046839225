import { describe, expect, test } from "vitest";
import { parseDatasetOptions } from "./dataset-options.js";
import { type DatasetKind, parseDatasetSpec } from "./dataset-spec.js";

const options = (text: string, kind: DatasetKind = "folder") => parseDatasetOptions(parseDatasetSpec(text), kind);

describe("a dataset's spec", () => {
  test("parts into kind, location and options", () => {
    const spec = parseDatasetSpec("cifar:a.bin,b.bin?limit=10&seed=1");
    expect([spec.kind, spec.location]).toEqual(["cifar", "a.bin,b.bin"]);
    expect([...spec.options]).toEqual([
      ["limit", "10"],
      ["seed", "1"],
    ]);
  });

  test.each([
    ["/data/what?", "/data/what?"],
    ["/data/why?.png", "/data/why?.png"],
    ["/data/a?b/c?limit=1", "/data/a?b/c"],
    ["C:\\images", "C:\\images"],
    ["other:thing", "other:thing"],
  ])("a path like %s keeps its signs", (text, location) => {
    expect(parseDatasetSpec(text).location).toBe(location);
  });

  test.each(["", "folder:", "?limit=1", " "])("without a path (%j) is refused", (text) => {
    expect(() => parseDatasetSpec(text)).toThrow(/expected KIND:PATH .* got no path/);
  });

  test("with an option twice is refused", () => {
    expect(() => parseDatasetSpec("x?seed=1&seed=2")).toThrow('option "seed" is given twice');
  });
});

describe("options", () => {
  test("are all read", () => {
    expect(
      options("x?limit=5&include=cat,a%2Cb&exclude=1&long-tail=step:.1&per-class=3&labels=none&seed=0&resize=crop"),
    ).toEqual({
      limit: 5,
      include: ["cat", "a,b"],
      exclude: ["1"],
      longTail: { shape: "step", ratio: 0.1 },
      perClass: 3,
      labels: "none",
      seed: 0,
      resize: "crop",
    });
    expect(options("x?classes=100", "cifar")).toEqual({ classes: 100 });
    expect(options("x?layout=nhwc", "npy")).toEqual({ layout: "nhwc" });
    expect(options("x?root=/a%20b", "list")).toEqual({ root: "/a b" });
    expect(options("x?long-tail=exp:1e-2")).toEqual({ longTail: { shape: "exp", ratio: 0.01 } });
  });

  test("that are unknown are refused with the known ones", () => {
    expect(() => options("x?limits=5")).toThrow(
      'options of a folder dataset (limit, include, exclude, long-tail, per-class, labels, seed, size, resize), got "limits"',
    );
    expect(() => options("x?layout=nhwc", "cifar")).toThrow('got "layout"');
    expect(() => options("x?constructor=1")).toThrow('got "constructor"');
  });

  test.each([
    ["limit=0", "option limit: expected an integer of at least 1"],
    ["limit=1.5", "option limit"],
    ["limit=-1", "option limit"],
    ["limit=", "option limit"],
    ["seed=99999999999999999999", "option seed"],
    ["per-class=many", "option per-class"],
    ["labels=all", "expected none"],
    ["resize=pad", 'expected stretch or crop, got "pad"'],
    ["include=a,,b", "class names or indices with commas between"],
    ["exclude=100%", "percent sign"],
    ["long-tail=exp:0", "ratio in (0, 1]"],
    ["long-tail=exp:1.5", "ratio in (0, 1]"],
    ["long-tail=linear:0.1", "exp:RATIO or step:RATIO"],
    ["long-tail=0.01", "exp:RATIO or step:RATIO"],
  ])("%s is refused", (text, message) => {
    expect(() => options(`x?${text}`)).toThrow(message);
  });
});
