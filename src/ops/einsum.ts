// Einsum.   ONNX opset 12. Gradient: not of an index repeated within one operand, nor of an ellipsis over axes that are stretched.
//
// Y[out] = Σ A[a]·B[b]·... The gradient of A is the Einsum of dY and the others into the indices of A. An index that A alone has was summed
// away: dY is the same along it, so the result is stretched.
import { ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, formatDims, text } from "../onnx/types.js";
import { expand, reshape } from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

/** An equation with a letter for every axis, also of those that an ellipsis stands for. */
interface Equation {
  readonly written: string;
  /** Index letters of each operand. */
  readonly operands: readonly string[];
  readonly output: string;
  /** Letters of the axes of an ellipsis, which are stretched to each other's sizes. */
  readonly stretched: string;
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ellipsis = "...";

const refusal = (call: Call, expected: string, received: string, written: string) =>
  new UnsupportedError({
    where: call.where,
    expected,
    received: `${received} in "${written}"`,
    hint: "write it as MatMul, Transpose and ReduceSum, or freeze below this node",
  });

function equationOf(call: Call): Equation {
  const written = call.attributes.string("equation").replaceAll(" ", "");
  const [left = "", right] = written.split("->");
  const terms = left.split(",");
  const refuse = (received: string) =>
    refusal(call, "indices for each operand, and of them for the output", received, written);
  if (terms.length !== call.inputs.length) throw refuse(`${terms.length} operands for ${call.inputs.length} inputs`);
  for (const term of [...terms, right ?? ""]) if (!/^[A-Za-z]*(\.{3}[A-Za-z]*)?$/.test(term)) throw refuse(`"${term}"`);

  const spans = terms.map((term, index) => {
    const { dims } = operand(call, index);
    const named = term.replace(ellipsis, "").length;
    const isRank = term.includes(ellipsis) ? named <= dims.length : named === dims.length;
    if (isRank) return dims.length - named;
    throw new ShapeError({
      where: call.where,
      expected: `operand ${index} with the ${named} indices "${term}"`,
      received: formatDims(dims),
    });
  });
  const widest = Math.max(...spans);
  const stretched = [...letters]
    .filter((letter) => !written.includes(letter))
    .slice(0, widest)
    .join("");
  // Axes of an ellipsis are told from the last one on.
  const spelled = (term: string, span: number) => term.replace(ellipsis, stretched.slice(widest - span));
  const operands = terms.map((term, index) => spelled(term, spans[index] as number));
  // Without an arrow the output has every index that occurs once, in alphabetical order.
  const named = terms.join("").replaceAll(ellipsis, "");
  const once = [...named].filter((letter) => named.indexOf(letter) === named.lastIndexOf(letter)).sort();
  const output = right === undefined ? `${stretched}${once.join("")}` : spelled(right, widest);
  if (new Set(output).size !== output.length) throw refuse("a repeated index of the output");
  for (const letter of output) {
    if (!operands.some((one) => one.includes(letter))) throw refuse(`an output index "${letter}" of no operand`);
  }
  return { written, operands, output, stretched };
}

function einsumShape(call: ShapeCall): ValueType[] {
  const { operands, output, stretched } = equationOf(call);
  const sizes = new Map<string, Dim>();
  operands.forEach((indices, index) => {
    const { dims } = operand(call, index);
    [...indices].forEach((letter, axis) => {
      const [known, dim] = [sizes.get(letter), dims[axis] as Dim];
      const isStretched = stretched.includes(letter) && (known === 1 || dim === 1);
      if (typeof known === "number" && typeof dim === "number" && known !== dim && !isStretched) {
        throw new ShapeError({
          where: call.where,
          expected: `one size for index "${letter}"`,
          received: `${known} and ${dim}`,
        });
      }
      if (known === undefined || (isStretched ? known === 1 : typeof known !== "number")) sizes.set(letter, dim);
    });
  });
  return [{ dtype: operand(call, 0).dtype, dims: [...output].map((letter) => sizes.get(letter) as Dim) }];
}

function einsumGradient(call: GradientCall): (Expr | undefined)[] {
  const { written, operands, output, stretched } = equationOf(call);
  const refuse = (what: string) =>
    refusal(call, "an equation with each index once per operand, and sizes that fit without stretching", what, written);
  const sizes = operands.map((_, index) => staticDims(call.inputs[index] as Expr, call.where));
  for (const indices of operands) if (new Set(indices).size !== indices.length) throw refuse("a repeated index");
  for (const letter of stretched) {
    const all = operands.flatMap((indices, index) =>
      indices.includes(letter) ? [sizes[index]?.[indices.indexOf(letter)]] : [],
    );
    if (new Set(all).size > 1) throw refuse("an ellipsis over axes that are stretched");
  }
  const dy = call.outputGradients[0] as Expr;
  return operands.map((indices, index) => {
    if (!call.wanted[index]) return undefined;
    const isOther = (_: unknown, place: number) => place !== index;
    const others = operands.filter(isOther);
    const known = [...indices].filter((letter) => [output, ...others].some((one) => one.includes(letter)));
    const equation = `${[output, ...others].join(",")}->${known.join("")}`;
    const inputs = [dy, ...(call.inputs as readonly Expr[]).filter(isOther)];
    const [kept] = call.builder.op("Einsum", inputs, { equation: text(equation) }) as [Expr];
    const dims = sizes[index] as number[];
    const open = [...indices].map((letter, axis) => (known.includes(letter) ? (dims[axis] as number) : 1));
    return expand(reshape(kept, open), dims);
  });
}

export const einsum: readonly OperatorRule[] = [
  {
    op: "Einsum",
    summary: {
      shape: "sizes of the output's indices",
      gradient: "Einsum of dY and the other operands, stretched along indices summed alone",
    },
    shape: einsumShape,
    gradient: einsumGradient,
  },
];
