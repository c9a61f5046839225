/** How objects are pasted, for training scenes and test sets alike. */
import { OptionError } from "../../errors.js";
import type { Option } from "../option.js";
import { integer, type Parser } from "../parsers.js";

const group = "Segmentation:";

const factors: Parser<readonly [least: number, most: number]> = {
  async parse(given, where) {
    const [, least, most] = /^([\d.]+):([\d.]+)$/.exec(given.trim()) ?? [];
    if (Number(least) > 0 && Number(most) >= Number(least)) return [Number(least), Number(most)];
    throw new OptionError({ where, expected: "LEAST:MOST such as 0.5:1", received: `"${given}"` });
  },
};

export const pasteScaleOption = {
  placeholder: "LEAST:MOST",
  group,
  help: "factors that pasted objects are scaled by",
  default: "1:1",
  parser: factors,
} as const satisfies Option;

export const featherOption = {
  placeholder: "PIXELS",
  group,
  help: "width over which pasted objects fade into the scene",
  default: "0",
  parser: integer({ min: 0, max: 1000 }),
} as const satisfies Option;
