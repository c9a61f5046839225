/** What a fit or a calibration belongs to, so that it is never used with another network or score without a trace. */
import { createHash } from "node:crypto";
import { OptionError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import { type Model, origin, type ValueInfo } from "../onnx/types.js";

interface FingerprintedPart {
  readonly model: Model;
  readonly score: string;
  readonly options: Readonly<Record<string, number>>;
  readonly features?: string;
  readonly map?: string;
}

const known = new WeakMap<Model, string>();

/** SHA-256, in hexadecimal, of a network's nodes and weights. Metadata and the sizes that its inputs and outputs are declared with do not enter. */
export function networkFingerprint({ model }: { readonly model: Model }): string {
  const found = known.get(model) ?? sha256(undeclared(model));
  known.set(model, found);
  return found;
}

/**
 * @param remembered  fingerprint of the network that something was fitted to; undefined for what suits all
 * @param where       what was fitted: "score knn"
 * @throws OptionError for another network
 */
export function checkNetwork(
  remembered: string | undefined,
  classifier: { readonly model: Model },
  where: string,
): void {
  if (remembered === undefined || remembered === networkFingerprint(classifier)) return;
  throw new OptionError({
    where,
    expected: "the network that it was fitted to",
    received: "one with other weights or nodes",
    hint: "run `offmap fit` with this --model",
  });
}

/** SHA-256, in hexadecimal, of a fitted or ready score: its formula, options, the tensors it looks at, and what its fit has found. */
export function partFingerprint({ model, score, options, features = "", map = "" }: FingerprintedPart): string {
  const metadata = new Map(Object.entries({ score, options: JSON.stringify(options), features, map }));
  return sha256({ ...model, metadata });
}

function undeclared(model: Model): Model {
  const { [origin]: _, ...graph } = model.graph;
  const open = (values: readonly ValueInfo[]) => values.map(({ name, dtype }) => ({ name, dtype }));
  return {
    ...model,
    metadata: new Map(),
    graph: { ...graph, inputs: open(model.graph.inputs), outputs: open(model.graph.outputs) },
  };
}

const sha256 = (model: Model): string => createHash("sha256").update(encodeModel(model)).digest("hex");
