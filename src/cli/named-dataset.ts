import { OptionError } from "../errors.js";
import type { Parser } from "./parsers.js";

/** A dataset and what it is called in tables. */
export interface NamedDataset {
  /** Absent: derived from the dataset. */
  readonly name?: string;
  readonly dataset: string;
}

/** A name may hold anything but what datasets are written with. */
const named = /^([^=:/\\?&]+)=(.*)$/s;

/** `NAME=DS`, or `DS` alone. */
export const namedDataset: Parser<NamedDataset> = {
  async parse(given, where) {
    const [, name = "", dataset = given] = named.exec(given) ?? [];
    if (dataset.trim() === "") {
      throw new OptionError({
        where,
        expected: "NAME=DS or DS, such as textures=folder:dtd",
        received: given === "" ? "an empty text" : `"${given}"`,
      });
    }
    return name.trim() === "" ? { dataset } : { name: name.trim(), dataset };
  },
};
