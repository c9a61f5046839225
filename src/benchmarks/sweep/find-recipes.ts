/** From what the user names (files, folders, patterns) to recipe files. */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { OptionError } from "../../errors.js";
import { isRecipe } from "./recipe-file.js";

/** Recipes that come with the package: `paper/cifar10-lt` is found there from anywhere. */
const ownRecipes = fileURLToPath(new URL("../../../recipes", import.meta.url));

/**
 * A folder stands for all recipes below it; `*` and `?` stand for parts of a name, `**` for any folders. What is not found from here is
 * looked for among the recipes of the package.
 *
 * @returns absolute paths, each once, sorted within each of the given names
 * @throws OptionError for a name that stands for nothing
 */
export async function findRecipes(names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const files = (await expand(resolve(name))) ?? (await expand(join(ownRecipes, name)));
    if (files === undefined) {
      throw new OptionError({
        where: "RECIPE",
        expected: "a recipe, a folder with recipes or a pattern",
        received: name,
        hint: "the recipes of the package begin with paper/ or small/",
      });
    }
    found.push(...files);
  }
  return [...new Set(found)];
}

/** Undefined where there is no recipe. */
async function expand(path: string): Promise<string[] | undefined> {
  if (/[*?]/.test(path) && !existsSync(path)) {
    const parts = path.split(sep);
    const fixed =
      parts
        .slice(
          0,
          parts.findIndex((part) => /[*?]/.test(part)),
        )
        .join(sep) || sep;
    if (!existsSync(fixed)) return undefined;
    const pattern = patternOf(relative(fixed, path).split(sep).join("/"));
    return onlyRecipes(
      (await filesBelow(fixed)).filter((file) => pattern.test(relative(fixed, file).split(sep).join("/"))),
    );
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return onlyRecipes(await filesBelow(path));
  if (found?.isFile()) return [path];
  return existsSync(`${path}.yaml`) ? [`${path}.yaml`] : undefined;
}

async function onlyRecipes(files: readonly string[]): Promise<string[] | undefined> {
  const kept: string[] = [];
  for (const file of files) if (await isRecipe(file)) kept.push(file);
  return kept.length === 0 ? undefined : kept;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What matches a folder stands for the files below it. */
function patternOf(text: string): RegExp {
  const source = text
    .split("/")
    .map((part) =>
      part === "**"
        ? "(?:.+/)?"
        : `${part
            .replace(/[.+^${}()|[\]\\]/g, "\\$&")
            .replaceAll("*", "[^/]*")
            .replaceAll("?", "[^/]")}/`,
    )
    .join("")
    // At the end there is no name that `**` stands before.
    .replace(/\(\?:\.\+\/\)\?$/, ".+")
    .replace(/\/$/, "");
  return new RegExp(`^${source}(?:/.+)?$`);
}
