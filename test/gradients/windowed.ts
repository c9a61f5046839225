/** Float64 forward passes of convolutions and poolings, which ONNX Runtime only computes in float32. Plain loops over one table. */
import type { Attributes, Tensor } from "../../src/onnx/types.js";
import { AttributeReader, findRule } from "../../src/ops/index.js";
import { tapsOf, type Windows, windowsOf } from "../../src/ops/windows.js";
import type { Forward } from "./case.js";
import { numbersOf } from "./compare.js";

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
const reader = (attributes: Attributes) => new AttributeReader(attributes, "reference");

/** Flat input position of every (output position, tap), -1 in the padding. */
function positionTable({ kernel, strides, dilations, begins, input, output }: Windows): number[][] {
  const taps = tapsOf(kernel);
  return tapsOf(output).map((at) =>
    taps.map((tap) => {
      let flat = 0;
      for (const [axis, size] of input.entries()) {
        const position =
          (at[axis] as number) * (strides[axis] as number) +
          (tap[axis] as number) * (dilations[axis] as number) -
          (begins[axis] as number);
        if (position < 0 || position >= size) return -1;
        flat = flat * size + position;
      }
      return flat;
    }),
  );
}

const float64 = (dims: readonly number[], data: Float64Array): Tensor => ({ dtype: "float64", dims, data });

/** Visits every product of a convolution: flat indices into x, w and y. */
function eachProduct(
  windows: Windows,
  sizes: { images: number; group: number; inputs: number; outputs: number },
  visit: (x: number, w: number, y: number) => void,
): void {
  const { images, group, inputs, outputs } = sizes;
  const table = positionTable(windows);
  const [taps, area] = [product(windows.kernel), product(windows.input)];
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      const g = Math.floor(o / (outputs / group));
      for (const [p, row] of table.entries()) {
        const y = (n * outputs + o) * table.length + p;
        for (let c = 0; c < inputs / group; c++) {
          const plane = (n * inputs + g * (inputs / group) + c) * area;
          for (const [k, at] of row.entries()) {
            if (at >= 0) visit(plane + at, (o * (inputs / group) + c) * taps + k, y);
          }
        }
      }
    }
  }
}

function withBias(y: Float64Array, bias: Tensor | undefined, channels: number, area: number): Float64Array {
  if (bias === undefined) return y;
  const values = numbersOf(bias);
  return y.map((value, index) => value + (values[Math.floor(index / area) % channels] as number));
}

export const convForward: Forward = ([x, w, bias], attributes) => {
  const [images, inputs, ...input] = (x as Tensor).dims as [number, number, ...number[]];
  const [outputs, , ...kernel] = (w as Tensor).dims as [number, number, ...number[]];
  const call = { where: "reference", attributes: reader(attributes) };
  const windows = windowsOf(call, kernel, input);
  const area = product(windows.output);
  const y = new Float64Array(images * outputs * area);
  const [xs, ws] = [numbersOf(x as Tensor), numbersOf(w as Tensor)];
  eachProduct(windows, { images, inputs, outputs, group: call.attributes.int("group", 1) }, (i, k, o) => {
    y[o] = (y[o] as number) + (xs[i] as number) * (ws[k] as number);
  });
  return [float64([images, outputs, ...windows.output], withBias(y, bias, outputs, area))];
};

export const convTransposeForward: Forward = ([x, w, bias], attributes) => {
  const operands = [x, w, bias] as Tensor[];
  const call = { where: "reference", attributes: reader(attributes) };
  const shape = { ...call, op: "ConvTranspose", inputs: operands, outputCount: 1, opset: 18 };
  const dims = (findRule("ConvTranspose")?.shape(shape)[0]?.dims ?? []) as number[];
  const [images, outputs, ...size] = dims as [number, number, ...number[]];
  const [, inputs, ...output] = (x as Tensor).dims as [number, number, ...number[]];
  const kernel = (w as Tensor).dims.slice(2);
  const list = (name: string, fallback: number) => call.attributes.ints(name, Array(output.length).fill(fallback));
  const [strides, dilations, added] = [list("strides", 1), list("dilations", 1), list("output_padding", 0)];
  const autoPad = call.attributes.string("auto_pad", "NOTSET");
  const begins = size.map((wanted, axis) => {
    if (autoPad === "VALID") return 0;
    if (autoPad === "NOTSET" && !call.attributes.has("output_shape"))
      return call.attributes.ints("pads", [])[axis] ?? 0;
    const reach = ((output[axis] as number) - 1) * (strides[axis] as number) + (added[axis] as number);
    const total = Math.max(0, reach + (dilations[axis] as number) * ((kernel[axis] as number) - 1) + 1 - wanted);
    return autoPad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  const windows: Windows = { kernel, strides, dilations, begins, ends: begins, input: size, output };
  const area = product(size);
  const y = new Float64Array(images * outputs * area);
  const [xs, ws] = [numbersOf(x as Tensor), numbersOf(w as Tensor)];
  // A convolution from y to x, run backwards: its input is y and its output is x.
  const sizes = { images, inputs: outputs, outputs: inputs, group: call.attributes.int("group", 1) };
  eachProduct(windows, sizes, (to, k, from) => {
    y[to] = (y[to] as number) + (xs[from] as number) * (ws[k] as number);
  });
  return [float64(dims, withBias(y, bias, outputs, area))];
};

/** A pooling whose window is reduced by `reduce`, given the elements inside and the size that an average divides by. */
const poolForward =
  (reduce: (values: number[], count: number, attributes: AttributeReader) => number): Forward =>
  ([x], attributes) => {
    const call = { where: "reference", attributes: reader(attributes) };
    const [images, channels, ...input] = (x as Tensor).dims as [number, number, ...number[]];
    const windows = windowsOf(call, call.attributes.ints("kernel_shape"), input);
    const table = positionTable(windows);
    // With the padding as part of the input, positions outside are those that ceil_mode reaches beyond.
    const framed = positionTable({
      ...windows,
      input: input.map((size, axis) => size + (windows.begins[axis] as number) + (windows.ends[axis] as number)),
      begins: input.map(() => 0),
    });
    const includePad = call.attributes.int("count_include_pad", 0) === 1;
    const xs = numbersOf(x as Tensor);
    const y: number[] = [];
    for (let plane = 0; plane < images * channels; plane++) {
      for (const [p, row] of table.entries()) {
        const inside = row.filter((at) => at >= 0).map((at) => xs[plane * product(input) + at] as number);
        const counted = includePad ? (framed[p] as number[]).filter((at) => at >= 0).length : inside.length;
        y.push(reduce(inside, counted, call.attributes));
      }
    }
    return [float64([images, channels, ...windows.output], Float64Array.from(y))];
  };

export const averagePoolForward = poolForward((values, count) => values.reduce((a, b) => a + b, 0) / count);

export const lpPoolForward = poolForward((values, _, attributes) => {
  const p = attributes.int("p", 2);
  return values.reduce((total, value) => total + Math.abs(value) ** p, 0) ** (1 / p);
});

export const maxPoolForward = poolForward((values) => Math.max(...values));
