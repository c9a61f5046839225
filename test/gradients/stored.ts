/**
 * Cases with PyTorch's outputs and gradients, from the JSON files that `test/reference/operators.py` writes:
 * one file per family in `test/reference/operators/`.
 */
import { readFileSync } from "node:fs";
import type { Attributes, DataType, Tensor } from "../../src/onnx/types.js";
import { tensorOf } from "../../src/ops/index.js";
import type { CaseInput, OperatorCase } from "./case.js";
import { checkValues } from "./check.js";

/** A number, or one that JSON has no literal for. */
type StoredNumber = number | "inf" | "-inf" | "nan";
interface StoredTensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: readonly StoredNumber[];
}
export interface StoredCase {
  readonly name: string;
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly ((StoredTensor & { readonly role: CaseInput["role"] }) | null)[];
  readonly outputs: readonly StoredTensor[];
  readonly cotangents: readonly (StoredTensor | null)[];
  readonly gradients: readonly (StoredTensor | null)[];
  /** Oldest operator set that has the operator, when newer than 18. */
  readonly opset?: number;
}

const folder = new URL("../reference/operators/", import.meta.url);

/** The stored cases of a family, for `test.each(storedCases("activations"))("$op: $name", checkStored)`. */
export function storedCases(family: string): StoredCase[] {
  const { cases } = JSON.parse(readFileSync(new URL(`${family}.json`, folder), "utf8")) as { cases: StoredCase[] };
  return cases;
}

/** A stored case in an operator set; by default the oldest that graphs are built for and that has the operator. */
export function caseFrom(stored: StoredCase, opset = stored.opset ?? 18): OperatorCase {
  return {
    op: stored.op,
    attributes: stored.attributes,
    inputs: stored.inputs.map((x) => (x === null ? undefined : { tensor: tensorFrom(x), role: x.role })),
    outputCount: stored.outputs.length,
    opset,
  };
}

/** Weights of the outputs in the loss that was differentiated. */
export const cotangentsFrom = (stored: StoredCase): (Tensor | undefined)[] =>
  stored.cotangents.map((x) => (x === null ? undefined : tensorFrom(x)));

/** Outputs and gradients equal PyTorch's, in the oldest and the newest operator set that graphs are built for. */
export async function checkStored(stored: StoredCase): Promise<void> {
  for (const opset of [stored.opset ?? 18, Math.max(stored.opset ?? 18, 22)]) {
    await checkValues(caseFrom(stored, opset), {
      outputs: stored.outputs.map(tensorFrom),
      cotangents: cotangentsFrom(stored),
      gradients: stored.gradients.map((x) => (x === null ? undefined : tensorFrom(x))),
    });
  }
}

function tensorFrom({ dtype, dims, data }: StoredTensor): Tensor {
  const special = { inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY, nan: Number.NaN };
  return tensorOf(
    data.map((value) => (typeof value === "number" ? value : special[value])),
    dtype,
    dims,
  );
}
