/**
 * The data sets that `offmap fetch` knows: data, no code. Addresses are those that the publishers give. Where a checksum is
 * not the publisher's own, `statedBy` names the library whose downloads are checked by it.
 */
import type { CatalogueEntry } from "../types.js";
import { imageSets } from "./image-sets.js";
import { sceneSets } from "./scene-sets.js";

export const catalogue: readonly CatalogueEntry[] = [...imageSets, ...sceneSets];
