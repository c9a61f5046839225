import type { RawStageOptions } from "./recipe-schema.js";

/** Options of a stage, by their long flags, that take each other's place. */
const opposites: readonly (readonly [string, string])[] = [
  ["steps", "epochs"],
  ["alpha", "search-alpha"],
  ["gamma", "search-gamma"],
  ["augment", "no-augment"],
];

/** The options, changed: what is told comes before what was there, and takes away what it takes the place of. */
export function changedOptions(before: RawStageOptions, told: RawStageOptions): RawStageOptions {
  const replaced = opposites.flatMap(([one, other]) => [
    ...(one in told ? [other] : []),
    ...(other in told ? [one] : []),
  ]);
  const kept = Object.entries(before).filter(([name]) => !replaced.includes(name));
  return { ...Object.fromEntries(kept), ...told };
}
