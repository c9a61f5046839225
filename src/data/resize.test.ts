import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { withChannels } from "./planes.js";
import { resizePicture } from "./resize.js";
import type { ImageShape } from "./types.js";

interface Case {
  readonly mode: "stretch" | "crop";
  readonly float: boolean;
  readonly source: ImageShape;
  readonly target: ImageShape;
  readonly input: string;
  readonly output: string;
}

/** Made by test/reference/pil-resize.py. */
const reference = JSON.parse(
  readFileSync(new URL("../../test/reference/pil-resize.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[]; readonly grey: { readonly input: string; readonly output: string } };

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer);

describe("resizing", () => {
  test.each(reference.cases.filter(({ float }) => !float))(
    "$mode $source to $target: every byte is Pillow's",
    (item) => {
      const { data, shape } = resizePicture(
        { data: bytes(item.input), shape: item.source },
        item.target[1],
        item.target[2],
        item.mode,
      );
      expect(shape).toEqual(item.target);
      expect(data).toEqual(bytes(item.output));
    },
  );

  test.each(reference.cases.filter(({ float }) => float))(
    "floats $source to $target: Pillow's to the last bit",
    (item) => {
      const { data } = resizePicture(
        { data: floats(item.input), shape: item.source },
        item.target[1],
        item.target[2],
        "stretch",
      );
      const expected = floats(item.output);
      expect(data).toHaveLength(expected.length);
      data.forEach((value, at) => {
        expect(Math.abs(value - (expected[at] as number))).toBeLessThanOrEqual(1.2e-7);
      });
    },
  );

  test("an image of the right size comes back untouched", () => {
    const picture = { data: Uint8Array.of(1, 2, 3, 4), shape: [1, 2, 2] as const };
    expect(resizePicture(picture, 2, 2, "crop")).toBe(picture);
  });

  test("crop to a wide target keeps the centre rows, not the top ones", () => {
    const rows = Uint8Array.from({ length: 16 }, (_, at) => Math.floor(at / 4) * 10);
    const { data } = resizePicture({ data: rows, shape: [1, 4, 4] }, 2, 4, "crop");
    expect([...data]).toEqual([10, 10, 10, 10, 20, 20, 20, 20]);
  });
});

test("colours become the grey values that Pillow's convert('L') gives", () => {
  const { data } = withChannels({ data: bytes(reference.grey.input), shape: [3, 8, 8] }, 1) ?? { data: undefined };
  expect(data).toEqual(bytes(reference.grey.output));
});
