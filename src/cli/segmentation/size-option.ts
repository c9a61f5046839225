import type { Size } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import type { Parser } from "../parsers.js";

/** `HEIGHTxWIDTH`, as in datasets. */
export const sizeParser: Parser<Size> = {
  async parse(given, where) {
    const [, height, width] = /^(\d{1,5})x(\d{1,5})$/.exec(given.trim()) ?? [];
    const size = { height: Number(height), width: Number(width) };
    if (size.height >= 1 && size.width >= 1) return size;
    throw new OptionError({ where, expected: "HEIGHTxWIDTH, for example 360x480", received: `"${given}"` });
  },
};
