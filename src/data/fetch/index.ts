// Original data sets from the addresses of their publishers.
export { catalogue } from "./catalogue/index.js";
export { type FetchedDataset, fetchDataset, isFetched, usesOf } from "./fetch-dataset.js";
export type { CatalogueEntry, CatalogueFile, Checksum, DatasetUse, Preparation } from "./types.js";
