// Resize.   ONNX opset 18. Not supported: keeping the aspect ratio, and scales with tf_crop_and_resize. A gradient goes through the modes
// nearest and linear without antialias and tf_crop_and_resize.
//
// Each output element is a weighted sum of input elements, axis by axis: y = A x along every resized axis, so dx = Aᵀ dy, one product
// per axis. The rows of A repeat ONNX Runtime's arithmetic in float32, since nearest decides by it where a position lies half way.
import { ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, formatDims } from "../onnx/types.js";
import type { AttributeReader } from "./attributes.js";
import { applyTransposed } from "./separable.js";
import { constantIntegers, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, OperandType, OperatorRule, ShapeCall } from "./types.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

/** One resized axis: scale is output / input as far as positions are concerned. */
interface AxisResize {
  readonly axis: number;
  readonly input: number;
  readonly output: number;
  readonly scale: number;
}

const f32 = Math.fround;

/** Where output position `at` lies in the input, by `coordinate_transformation_mode`. */
const positions: Readonly<Record<string, (at: number, resize: AxisResize) => number>> = {
  half_pixel: (at, { scale }) => f32(f32(f32(at + 0.5) / scale) - 0.5),
  pytorch_half_pixel: (at, { scale, output }) => (output > 1 ? f32(f32(f32(at + 0.5) / scale) - 0.5) : 0),
  align_corners: (at, { input, output }) => (output === 1 ? 0 : f32(f32(at * (input - 1)) / (output - 1))),
  asymmetric: (at, { scale }) => f32(at / scale),
};

const roundings: Readonly<Record<string, (position: number) => number>> = {
  round_prefer_floor: (position) => Math.ceil(position - 0.5),
  round_prefer_ceil: (position) => Math.floor(position + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

function choose<T>(call: Call, name: string, fallback: string, table: Readonly<Record<string, T>>): T {
  const value = call.attributes.string(name, fallback);
  const entry = table[value];
  if (entry !== undefined && Object.hasOwn(table, value)) return entry;
  throw new UnsupportedError({
    where: call.where,
    expected: `${name} to be one of ${Object.keys(table).join(", ")}`,
    received: value,
    hint: "freeze below this node, or export with another interpolation",
  });
}

const given = (operandType: OperandType | undefined) =>
  operandType !== undefined && operandType.dims.join() !== "0" ? operandType : undefined;

/** The axes that change, or are resampled although their size stays. */
function resizedAxes(call: Call): AxisResize[] {
  const { dims } = operand(call, 0);
  choose(call, "keep_aspect_ratio_policy", "stretch", { stretch: true });
  const axes = call.attributes
    .ints(
      "axes",
      dims.map((_, axis) => axis),
    )
    .map((axis) => normalizeAxis(axis, dims.length, call.where));
  const [scales, sizes] = [given(call.inputs[2]), given(call.inputs[3])];
  if ((scales === undefined) === (sizes === undefined)) {
    throw new ShapeError({
      where: call.where,
      expected: "either scales or sizes",
      received: scales ? "both" : "neither",
    });
  }
  // Sizes say it themselves; scales are of the region that is cropped.
  if (sizes === undefined && isCropping(call)) choose(call, "coordinate_transformation_mode", "half_pixel", positions);
  const values = sizes === undefined ? constantScales(call) : constantIntegers(call, 3, "sizes");
  if (values.length !== axes.length || values.some((value) => !(value > 0))) {
    throw new ShapeError({
      where: call.where,
      expected: `${axes.length} positive ${sizes === undefined ? "scales" : "sizes"}`,
      received: formatDims(values),
    });
  }
  const resized = axes.flatMap((axis, at) => {
    const [input, value] = [dims[axis] as Dim, values[at] as number];
    if (typeof input === "string") {
      if (sizes === undefined && value === 1) return [];
      throw new ShapeError({ where: call.where, expected: "resized axes of known size", received: formatDims(dims) });
    }
    const output = sizes === undefined ? Math.floor(f32(value * input)) : value;
    const scale = sizes === undefined ? value : f32(output / input);
    return scale === 1 ? [] : [{ axis, input, output, scale }];
  });
  // ONNX Runtime copies a tensor whose sizes all stay as they are, whatever the scales.
  return resized.every(({ input, output }) => input === output) ? [] : resized;
}

const isCropping = ({ attributes }: Pick<Call, "attributes">): boolean =>
  attributes.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";

const differentiable = (attributes: AttributeReader): boolean =>
  Object.hasOwn(positions, attributes.string("coordinate_transformation_mode", "half_pixel")) &&
  ["nearest", "linear"].includes(attributes.string("mode", "nearest")) &&
  attributes.int("antialias", 0) === 0;

/** @throws UnsupportedError for a way to interpolate that no gradient goes through */
function checkInterpolation(call: Call): void {
  choose(call, "coordinate_transformation_mode", "half_pixel", positions);
  choose(call, "nearest_mode", "round_prefer_floor", roundings);
  choose(call, "mode", "nearest", { nearest: true, linear: true });
  if (call.attributes.int("antialias", 0) === 0) return;
  throw new UnsupportedError({
    where: call.where,
    problem: "no gradient goes through antialias",
    hint: "freeze below this node",
  });
}

function constantScales(call: Call): number[] {
  const { constant, dims } = operand(call, 2);
  if (constant !== undefined) return Array.from(constant.data as ArrayLike<number>, Number);
  throw new ShapeError({
    where: call.where,
    expected: "input 2 (scales) to be known before the model runs",
    received: `a value computed from the data, of shape ${formatDims(dims)}`,
    hint: "export the model with fixed shapes, or freeze below this node",
  });
}

/** The input elements that make up one output element along an axis. */
function rowOf(call: Call, resize: AxisResize, at: number) {
  const last = resize.input - 1;
  const clamp = (position: number) => Math.min(Math.max(position, 0), last);
  const position = choose(call, "coordinate_transformation_mode", "half_pixel", positions)(at, resize);
  if (call.attributes.string("mode", "nearest") === "nearest") {
    const rounding = choose(call, "nearest_mode", "round_prefer_floor", roundings);
    return [{ position: clamp(rounding(position)), weight: 1 }];
  }
  const inside = clamp(position);
  const low = Math.floor(inside);
  const share = inside - low;
  return [
    { position: low, weight: 1 - share },
    { position: clamp(low + 1), weight: share },
  ];
}

export const resize: readonly OperatorRule[] = [
  {
    op: "Resize",
    summary: {
      shape: "⌊in·scale⌋, or the sizes given",
      gradient: "dy times the transposed interpolation matrix, per axis",
    },
    hasGradient: differentiable,
    shape: (call) => {
      const { dtype, dims } = operand(call, 0);
      const result = [...dims];
      for (const { axis, output } of resizedAxes(call)) result[axis] = output;
      return [{ dtype, dims: result }];
    },
    gradient: (call) => {
      staticDims(call.inputs[0] as Expr, call.where);
      checkInterpolation(call);
      const axes = resizedAxes(call);
      return [
        axes.reduceRight((dx, resized) => {
          const rows = Array.from({ length: resized.output }, (_, at) => rowOf(call, resized, at));
          return applyTransposed(dx, resized.axis, rows, resized.input);
        }, call.outputGradients[0] as Expr),
      ];
    },
  },
];
