import type { Prior } from "../training/index.js";

/** What `offmap prior` prints and writes; the field names are a contract, and `offmap tune --prior` reads them. */
export function priorDocument(prior: Prior) {
  return {
    outliers: prior.outliers,
    counts: prior.counts,
    prior: prior.prior,
    imbalance: prior.imbalance,
    imbalance_ratio: prior.imbalanceRatio,
    effective_classes: prior.effectiveClasses,
    ...(prior.classNames === undefined ? {} : { class_names: prior.classNames }),
  };
}

/** The bar chart beside a prior's JSON. */
export const chartFile = (out: string): string => `${out.replace(/\.json$/, "")}.svg`;
