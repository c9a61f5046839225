import type { CatalogueEntry, FetchedDataset } from "../../data/fetch/index.js";
import { inColumns } from "../columns.js";
import { defineCommand } from "../command.js";
import { toggle } from "../option.js";
import { oneOf, text } from "../parsers.js";

const names = async () => (await import("../../data/fetch/index.js")).catalogue.map(({ name }) => name);

export const fetchCommand = defineCommand({
  name: "fetch",
  summary: "Download original data sets from their publishers.",
  description:
    "Downloads data sets into a folder each, checks them against published checksums and unpacks them. After an interruption, the same command goes on where it stopped. Where a licence has to be accepted, it says what to do by hand. The data are the publishers'; their terms hold.",
  options: {
    names: {
      positional: true,
      many: {},
      placeholder: "NAME",
      help: "data sets, as --list names them",
      parser: oneOf(names),
    },
    list: toggle("list the data sets that can be fetched"),
    root: {
      placeholder: "DIR",
      help: "folder that the data sets' folders lie in",
      default: "the environment variable OFFMAP_DATA",
      parser: text("the path of a folder"),
    },
  },
  examples: [
    { does: "What there is", line: "fetch --list" },
    { does: "Two data sets, into data/cifar10 and data/textures", line: "fetch cifar10 textures --root data" },
  ],
  async run({ names: wanted = [], list, root = process.env.OFFMAP_DATA }, io) {
    const { CancelledError, OffmapError, OptionError } = await import("../../errors.js");
    const { catalogue, fetchDataset } = await import("../../data/fetch/index.js");
    if (list) {
      await io.write({ datasets: catalogue.map(listed) }, () => tableOf(catalogue).join("\n"));
      return;
    }
    if (wanted.length === 0) {
      throw new OptionError({
        where: "NAME",
        expected: "a data set",
        received: "none",
        hint: "see `offmap fetch --list`",
      });
    }
    if (root === undefined || root.trim() === "") {
      throw new OptionError({
        where: "--root",
        expected: "a folder for the data",
        received: "none",
        hint: "give --root DIR or set OFFMAP_DATA",
      });
    }
    const datasets: (FetchedDataset & { readonly licence: string })[] = [];
    const failures: { readonly name: string; readonly reason: string }[] = [];
    const asked = new Set(wanted);
    for (const name of asked) {
      const entry = catalogue.find((candidate) => candidate.name === name) as CatalogueEntry;
      const { progress, signal } = io;
      try {
        datasets.push({ ...(await fetchDataset(entry, root, { progress, signal })), licence: entry.licence });
      } catch (error) {
        // What stops one data set, such as a licence, does not stop the others.
        if (asked.size === 1 || !(error instanceof OffmapError) || error instanceof CancelledError) throw error;
        failures.push({ name, reason: error.message });
        io.warn(`${name}: ${error.message}`);
      }
    }
    if (failures.length > 0) io.incomplete();
    await io.write({ root, datasets, failures }, () =>
      datasets
        .flatMap(({ name, folder, status, bytes, uses, licence }) => [
          status === "present"
            ? `${name}: is in ${folder}`
            : `${name}: fetched into ${folder}, ${(bytes / 1e6).toFixed(1)} MB; licence: ${licence}`,
          ...inColumns(uses.map(({ what, dataset }) => [`  ${what}`, dataset])),
        ])
        .join("\n"),
    );
  },
});

/** What `--list --json` prints of a data set; the field names are a contract. */
function listed({ name, title, homepage, licence, files, layout, byHand }: CatalogueEntry) {
  return {
    name,
    title,
    homepage,
    licence,
    layout,
    bytes: sizeOf(files) ?? null,
    by_hand: byHand !== undefined,
    files: files.map(({ url, bytes, checksum }) => ({ url, bytes: bytes ?? null, checksum: checksum ?? null })),
  };
}

function tableOf(catalogue: readonly CatalogueEntry[]): string[] {
  return inColumns(
    catalogue.map(({ name, title, files, byHand }) => {
      const bytes = sizeOf(files);
      const size =
        byHand !== undefined ? "by hand" : bytes === undefined ? "not stated" : `${Math.ceil(bytes / 1e6)} MB`;
      return [name, size, title];
    }),
    ["left", "right"],
  );
}

/** Absent where one of the files has no known length. */
function sizeOf(files: CatalogueEntry["files"]): number | undefined {
  return files.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    files.length === 0 ? undefined : 0,
  );
}
