import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { randomTensor } from "../../../test/gradients/index.js";
import { GraphBuilder } from "../../graph/builder.js";
import { encodeModel } from "../../onnx/index.js";
import { blockSize, LocalEngine } from "../../runtime/index.js";
import type { Windows } from "../windows.js";
import { blockedWeightGradient, suitsBlockedGradient } from "./weight-gradient.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());
const block = await blockSize(engine);

interface Call {
  readonly channels: number;
  readonly outputs: number;
  readonly images: number;
  readonly windows: Windows;
}

const anyAxis = fc
  .record({
    size: fc.integer({ min: 3, max: 7 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    begin: fc.integer({ min: 0, max: 2 }),
    end: fc.integer({ min: 0, max: 2 }),
  })
  .filter(({ size, kernel, dilation, begin, end }) => size + begin + end > dilation * (kernel - 1));

const anyCall = fc
  .record({
    channels: fc.constantFrom(1, 3, 16, 32),
    outputs: fc.constantFrom(16, 32),
    images: fc.constantFrom(16, 32),
    axes: fc.tuple(anyAxis, anyAxis),
  })
  .map(({ axes, ...rest }): Call => {
    const pick = (key: keyof (typeof axes)[0]) => axes.map((axis) => axis[key]);
    const output = axes.map(
      ({ size, kernel, stride, dilation, begin, end }) =>
        Math.floor((size + begin + end - dilation * (kernel - 1) - 1) / stride) + 1,
    );
    const windows = {
      kernel: pick("kernel"),
      strides: pick("stride"),
      dilations: pick("dilation"),
      begins: pick("begin"),
      ends: pick("end"),
      input: pick("size"),
      output,
    };
    return { ...rest, windows };
  });

/** Σ over images and positions of dy times what the tap sees of x, in float64, straight from the definition. */
function direct({ channels, outputs, images, windows }: Call, x: Float32Array, dy: Float32Array): Float64Array {
  const [height, width] = windows.input as [number, number];
  const [rows, columns] = windows.output as [number, number];
  const [kernelHeight, kernelWidth] = windows.kernel as [number, number];
  const at = (axis: number, place: number, tap: number) =>
    place * (windows.strides[axis] as number) +
    tap * (windows.dilations[axis] as number) -
    (windows.begins[axis] as number);
  const result = new Float64Array(outputs * channels * kernelHeight * kernelWidth);
  let index = 0;
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < kernelHeight; i++)
        for (let j = 0; j < kernelWidth; j++, index++)
          for (let n = 0; n < images; n++)
            for (let row = 0; row < rows; row++)
              for (let column = 0; column < columns; column++) {
                const [h, w] = [at(0, row, i), at(1, column, j)];
                if (h < 0 || w < 0 || h >= height || w >= width) continue;
                const value = x[((n * channels + c) * height + h) * width + w] as number;
                result[index] =
                  (result[index] as number) +
                  value * (dy[((n * outputs + o) * rows + row) * columns + column] as number);
              }
  return result;
}

describe.skipIf(block === undefined)("weight gradient in the blocked layout", () => {
  test("equals the sum of products for any stride, padding, dilation and number of channels", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(anyCall, fc.integer({ min: 1, max: 1e6 }), async (call, seed) => {
        const { channels, outputs, images, windows } = call;
        const graph = new GraphBuilder(18, block);
        const dims = { x: [images, channels, ...windows.input], dy: [images, outputs, ...windows.output] };
        const [x, dy] = [graph.input("x", "float32", dims.x), graph.input("dy", "float32", dims.dy)];
        if (!suitsBlockedGradient(x, dy, windows, block as number)) return;
        taken++;
        const dw = blockedWeightGradient(x, dy, windows, block as number);
        expect(dw.dims).toEqual([outputs, channels, ...windows.kernel]);
        const feeds = { x: randomTensor(dims.x, seed), dy: randomTensor(dims.dy, seed + 1) };
        const expected = direct(call, feeds.x.data as Float32Array, feeds.dy.data as Float32Array);
        const session = await engine.load(encodeModel(graph.model({ dw })));
        const got = await session.run(feeds);
        await session.release();
        // Products are at most 4 in size: each adds at most a rounding of that.
        const tolerance = 4e-7 * images * windows.output.reduce((product, size) => product * size, 1);
        const found = got.dw?.data as Float32Array;
        expect(found.every((value, index) => Math.abs(value - (expected[index] as number)) <= tolerance)).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(40);
  });

  test("is not chosen where images or outputs do not fill their blocks, nor for a few channels and one tap", () => {
    const graph = new GraphBuilder(18, block);
    const windows = { strides: [1, 1], dilations: [1, 1], begins: [0, 0], ends: [0, 0], input: [4, 4] };
    const suits = (images: number, outputs: number, kernel: number, channels = 16) => {
      const output = [5 - kernel, 5 - kernel];
      const name = `${images} ${outputs} ${kernel} ${channels}`;
      const x = graph.input(`x ${name}`, "float32", [images, channels, 4, 4]);
      const dy = graph.input(`dy ${name}`, "float32", [images, outputs, ...output]);
      return suitsBlockedGradient(x, dy, { ...windows, kernel: [kernel, kernel], output }, block as number);
    };
    expect([suits(16, 16, 3), suits(12, 16, 3), suits(16, 12, 3), suits(16, 16, 1), suits(16, 16, 1, 3)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});
