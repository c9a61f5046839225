import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type DatasetSpec, parseDatasetSpec } from "../data/dataset-spec.js";
import { type ImageDataset, type OpenDatasetOptions, openDataset, subset } from "../data/index.js";
import { DataError, FormatError, OptionError } from "../errors.js";

/** An OOD test set that may also hold images of classes that the model knows. */
export interface OodSet extends ImageDataset {
  /** Images out of the same source that count as in-distribution when this set is judged. */
  readonly alsoInDistribution?: ImageDataset;
}

/** The OOD sets of each benchmark, as their lists are called. */
export const scOodBenchmarks = {
  cifar10: ["texture", "svhn", "cifar100", "tin", "lsun", "places365"],
  cifar100: ["texture", "svhn", "cifar10", "tin", "lsun", "places365"],
} as const;

const prefix = "sc-ood:";

/** Whether the text names the whole SC-OOD benchmark instead of one dataset. */
export function isScOod(text: string): boolean {
  return text.startsWith(prefix);
}

/**
 * Opens the six OOD sets of the benchmark "Semantically Coherent Out-of-Distribution Detection" (Yang et al., ICCV 2021) in its
 * official layout: lists `ROOT/data/imglist/benchmark_cifar10/test_texture.txt` and so on, images below `ROOT/data/images`
 * (`data/` may be left out). A line of a list gives each image two labels, of which `sc_label` counts: -1 is OOD; from 0 on it
 * is a class of the in-distribution set, although the image comes from another dataset, and the image joins the
 * in-distribution test images. So does the evaluation of PASCL (Wang et al., ICML 2022) and of Balanced Energy (Choi et al.,
 * CVPR 2023), over the full sets; {@link OodSet.alsoInDistribution} holds those images.
 *
 * @param text  `sc-ood:ROOT?benchmark=cifar10` or `=cifar100`; further options are those of a list and hold for each set, such
 *   as `limit=100`. `resize=crop` is SC-OOD's own way to 32 x 32, the default `stretch` that of PASCL and Balanced Energy
 * @throws OptionError without a known benchmark, DataError where a list or an image is not there, FormatError for a list
 *   without `sc_label`
 */
export async function openScOod(
  text: string,
  options: Pick<OpenDatasetOptions, "shape" | "resize" | "name" | "unread"> = {},
): Promise<OodSet[]> {
  const spec = parseDatasetSpec(text);
  const benchmark = benchmarkOf(spec);
  const root = spec.location.slice(prefix.length);
  const data = (await isFolder(join(root, "data", "imglist"))) ? join(root, "data") : root;
  const listOptions = [...spec.options].flatMap(([key, value]) => (key === "benchmark" ? [] : [`&${key}=${value}`]));
  return Promise.all(
    scOodBenchmarks[benchmark].map(async (set) => {
      const list = join(data, "imglist", `benchmark_${benchmark}`, `test_${set}.txt`);
      const from = `list:${list}?root=${encodeURIComponent(join(data, "images"))}${listOptions.join("")}`;
      return split(
        await openDataset(from, { ...options, name: options.name === undefined ? set : `${options.name}-${set}` }),
      );
    }),
  );
}

function benchmarkOf({ text, options }: DatasetSpec): keyof typeof scOodBenchmarks {
  const name = options.get("benchmark");
  if (name === "cifar10" || name === "cifar100") return name;
  throw new OptionError({
    where: `dataset "${text}"`,
    expected: `the benchmark: ${prefix}ROOT?benchmark=cifar10 or cifar100`,
    received: name === undefined ? "none" : `"${name}"`,
  });
}

/** Takes a list apart by its `sc_label`. */
function split(all: ImageDataset): OodSet {
  const labels = all.labelSets?.sc_label;
  if (labels === undefined) {
    throw new FormatError({ where: all.spec, expected: "lines with an 'sc_label'", received: "lines without" });
  }
  const places = Int32Array.from(labels, (_, place) => place);
  const outside = places.filter((place) => labels[place] === -1);
  const inside = places.filter((place) => labels[place] !== -1);
  if (outside.length === 0) {
    throw new DataError({ where: all.spec, expected: "images with an sc_label of -1", received: "none" });
  }
  // Its labels are those of another dataset and mean nothing here.
  const { labels: _, classNames: __, ...ood } = subset(all, outside);
  return inside.length === 0 ? ood : { ...ood, alsoInDistribution: subset(all, inside) };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
