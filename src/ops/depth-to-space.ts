// DepthToSpace and SpaceToDepth.   ONNX opset 13. Both only move elements, so each gradient moves them back.
import { ShapeError } from "../errors.js";
import { type Dim, formatDims, int } from "../onnx/types.js";
import { first, reshape, transpose } from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall } from "./types.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

/** [N, C, H, W] and the block size, C, H and W known and divisible as asked. */
function blocks(call: Call, divided: readonly [string, (block: number) => number, readonly number[]]) {
  const { dims } = operand(call, 0);
  const block = call.attributes.int("blocksize");
  const [name, divisor, axes] = divided;
  const fits = axes.every((axis) => typeof dims[axis] === "number" && (dims[axis] as number) % divisor(block) === 0);
  if (dims.length !== 4 || block < 1 || dims.slice(1).some((dim) => typeof dim === "string") || !fits) {
    throw new ShapeError({
      where: call.where,
      expected: `an input [N, C, H, W] with ${name} divisible by ${divisor(block)}`,
      received: formatDims(dims),
    });
  }
  const [images, channels, height, width] = dims as [Dim, number, number, number];
  return { block, images, channels, height, width };
}

function depthMode(call: Call): string {
  const mode = call.attributes.string("mode", "DCR");
  if (mode === "DCR" || mode === "CRD") return mode;
  throw new ShapeError({ where: call.where, expected: "mode DCR or CRD", received: mode });
}

export const depthToSpace: readonly OperatorRule[] = [
  {
    op: "DepthToSpace",
    summary: { shape: "[N, C/b², H·b, W·b]", gradient: "dy moved back" },
    shape: (call) => {
      const { block, images, channels, height, width } = blocks(call, ["C", (b) => b * b, [1]]);
      depthMode(call);
      const dims = [images, channels / block ** 2, height * block, width * block];
      return [{ dtype: operand(call, 0).dtype, dims }];
    },
    gradient: (call) => {
      const dy = call.outputGradients[0] as Expr;
      const block = call.attributes.int("blocksize");
      if (depthMode(call) === "DCR") {
        return [first(call.builder.op("SpaceToDepth", [dy], { blocksize: int(block) }))];
      }
      const dims = staticDims(call.inputs[0] as Expr, call.where) as [number, number, number, number];
      const [images, channels, height, width] = dims;
      const split = reshape(dy, [images, channels / block ** 2, height, block, width, block]);
      return [reshape(transpose(split, [0, 1, 3, 5, 2, 4]), dims)];
    },
  },
  {
    op: "SpaceToDepth",
    summary: { shape: "[N, C·b², H/b, W/b]", gradient: "dy moved back" },
    shape: (call) => {
      const { block, images, channels, height, width } = blocks(call, ["H and W", (b) => b, [2, 3]]);
      const dims = [images, channels * block ** 2, height / block, width / block];
      return [{ dtype: operand(call, 0).dtype, dims }];
    },
    gradient: (call) => {
      const dy = call.outputGradients[0] as Expr;
      return [first(call.builder.op("DepthToSpace", [dy], { blocksize: int(call.attributes.int("blocksize")) }))];
    },
  },
];
