/** Outputs beside the logits that losses look at, by the names that networks made here give them. */
export const extraOutput = {
  abstention: "abstention_logits",
  projection: "projection",
  /** Of a segmentation network with an outlier head. */
  outlier: "outlier_logits",
} as const;

const names: readonly string[] = Object.values(extraOutput);

/** Those of some outputs that a loss may look at beside the first. */
export const lossOutputs = (outputs: readonly { readonly name: string }[]): string[] =>
  outputs.slice(1).flatMap(({ name }) => (names.includes(name) ? [name] : []));
