// Einsum of one or two operands.   ONNX opset 12. Not supported: an ellipsis, an index repeated within one operand, more operands.
//
// Y[out] = Σ A[a]·B[b]. The gradient of A is the Einsum of dY and B into the indices of A. An index that A alone has was summed away:
// dY is the same along it, so the result is stretched.
import { ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, formatDims, text } from "../onnx/types.js";
import { expand, reshape } from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

interface Equation {
  /** Index letters of each operand. */
  readonly operands: readonly string[];
  readonly output: string;
}

function equationOf(call: Call): Equation {
  const written = call.attributes.string("equation").replaceAll(" ", "");
  const refuse = (what: string) =>
    new UnsupportedError({
      where: call.where,
      expected: "an equation of one or two operands, each index once per operand, no ellipsis",
      received: `${what} in "${written}"`,
      hint: "write it as MatMul, Transpose and ReduceSum, or freeze below this node",
    });
  if (written.includes(".")) throw refuse("an ellipsis");
  const [left = "", right] = written.split("->");
  const operands = left.split(",");
  if (operands.length !== call.inputs.length || operands.length > 2) throw refuse(`${operands.length} operands`);
  for (const letters of [...operands, right ?? ""]) {
    if (!/^[A-Za-z]*$/.test(letters)) throw refuse(`"${letters}"`);
    if (new Set(letters).size !== letters.length) throw refuse("a repeated index");
  }
  // Without an arrow the output has every index that occurs once, in alphabetical order.
  const all = operands.join("");
  const once = [...all]
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .sort()
    .join("");
  const output = right ?? once;
  for (const letter of output) if (!all.includes(letter)) throw refuse(`an output index "${letter}" of no operand`);
  return { operands, output };
}

function einsumShape(call: ShapeCall): ValueType[] {
  const { operands, output } = equationOf(call);
  const sizes = new Map<string, Dim>();
  operands.forEach((letters, index) => {
    const { dims } = operand(call, index);
    if (dims.length !== letters.length) {
      throw new ShapeError({
        where: call.where,
        expected: `operand ${index} with the ${letters.length} indices "${letters}"`,
        received: formatDims(dims),
      });
    }
    [...letters].forEach((letter, axis) => {
      const [known, dim] = [sizes.get(letter), dims[axis] as Dim];
      if (typeof known === "number" && typeof dim === "number" && known !== dim) {
        throw new ShapeError({
          where: call.where,
          expected: `one size for index "${letter}"`,
          received: `${known} and ${dim}`,
        });
      }
      if (typeof known !== "number") sizes.set(letter, dim);
    });
  });
  return [{ dtype: operand(call, 0).dtype, dims: [...output].map((letter) => sizes.get(letter) as Dim) }];
}

function einsumGradient(call: GradientCall): (Expr | undefined)[] {
  const { operands, output } = equationOf(call);
  const dy = call.outputGradients[0] as Expr;
  return operands.map((letters, index) => {
    if (!call.wanted[index]) return undefined;
    const other = operands[1 - index];
    const inputs = other === undefined ? [dy] : [dy, call.inputs[1 - index] as Expr];
    const known = [...letters].filter((letter) => output.includes(letter) || other?.includes(letter));
    const left = other === undefined ? output : `${output},${other}`;
    const [kept] = call.builder.op("Einsum", inputs, { equation: text(`${left}->${known.join("")}`) }) as [Expr];
    const dims = staticDims(call.inputs[index] as Expr, call.where);
    const open = [...letters].map((letter, axis) => (known.includes(letter) ? (dims[axis] as number) : 1));
    return expand(reshape(kept, open), dims);
  });
}

export const einsum: readonly OperatorRule[] = [
  {
    op: "Einsum",
    summary: {
      shape: "sizes of the output's indices",
      gradient: "Einsum of dY and the other operand, stretched along indices summed alone",
    },
    shape: einsumShape,
    gradient: einsumGradient,
  },
];
