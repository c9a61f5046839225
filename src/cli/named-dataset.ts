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

/** @throws OptionError for two OOD sets of one name: tables and files could not tell them apart */
export function refuseSameNames(sets: readonly { readonly name: string }[]): void {
  const names = sets.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new OptionError({
    where: "--ood",
    expected: "a different name for every OOD set",
    received: `"${twice}" twice`,
    hint: "write --ood NAME=DS",
  });
}
