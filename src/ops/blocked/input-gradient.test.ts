import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { randomTensor } from "../../../test/gradients/index.js";
import { GraphBuilder } from "../../graph/builder.js";
import { encodeModel } from "../../onnx/index.js";
import { blockSize, LocalEngine } from "../../runtime/index.js";
import type { Windows } from "../windows.js";
import { blockedInputGradient, suitsBlockedInputGradient } from "./input-gradient.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());
const block = await blockSize(engine);

const anyAxis = fc
  .record({
    phase: fc.integer({ min: 2, max: 5 }),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 3 }),
    begin: fc.integer({ min: 0, max: 3 }),
    end: fc.integer({ min: 0, max: 3 }),
  })
  .filter(
    // Padding of a kernel's size or more would put windows wholly outside.
    ({ phase, stride, kernel, begin, end }) => begin < kernel && end < kernel && phase * stride + begin + end >= kernel,
  );

const anyCall = fc.record({
  channels: fc.constantFrom(16, 32),
  outputs: fc.constantFrom(16, 32),
  images: fc.integer({ min: 1, max: 3 }),
  axes: fc.tuple(anyAxis, anyAxis),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

function windowsOf(
  axes: readonly { phase: number; kernel: number; stride: number; begin: number; end: number }[],
): Windows {
  const input = axes.map(({ phase, stride }) => phase * stride);
  return {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    dilations: [1, 1],
    begins: axes.map(({ begin }) => begin),
    ends: axes.map(({ end }) => end),
    input,
    output: axes.map(
      ({ kernel, stride, begin, end }, axis) =>
        Math.floor(((input[axis] as number) + begin + end - kernel) / stride) + 1,
    ),
  };
}

/** What each element of dy sends back through the taps, in float64, straight from the definition. */
function direct(
  dy: Float32Array,
  w: Float32Array,
  dims: { n: number; c: number; o: number },
  at: Windows,
): Float64Array {
  const [[height, width], [rows, columns], [kh, kw]] = [at.input, at.output, at.kernel] as [number, number][] as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const dx = new Float64Array(dims.n * dims.c * height * width);
  const place = (axis: number, out: number, tap: number) =>
    out * (at.strides[axis] as number) + tap - (at.begins[axis] as number);
  for (let n = 0; n < dims.n; n++)
    for (let o = 0; o < dims.o; o++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const value = dy[((n * dims.o + o) * rows + row) * columns + column] as number;
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++) {
              const [h, x] = [place(0, row, i), place(1, column, j)];
              if (h < 0 || x < 0 || h >= height || x >= width) continue;
              for (let c = 0; c < dims.c; c++) {
                const to = ((n * dims.c + c) * height + h) * width + x;
                dx[to] = (dx[to] as number) + value * (w[((o * dims.c + c) * kh + i) * kw + j] as number);
              }
            }
        }
  return dx;
}

describe.skipIf(block === undefined)("input gradient of convolutions in the blocked layout", () => {
  test("equals what every output sends back, for any kernel, stride and padding it takes", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(anyCall, async ({ channels, outputs, images, axes, seed }) => {
        const windows = windowsOf(axes);
        const dims = { dy: [images, outputs, ...windows.output], w: [outputs, channels, ...windows.kernel] };
        const graph = new GraphBuilder(18, block);
        const [dy, w] = [graph.input("dy", "float32", dims.dy), graph.input("w", "float32", dims.w)];
        if (!suitsBlockedInputGradient(dy, w, windows, block as number)) return;
        taken++;
        const dx = blockedInputGradient(dy, w, windows, block as number);
        const feeds = { dy: randomTensor(dims.dy, seed), w: randomTensor(dims.w, seed + 1) };
        const [dyData, wData] = [feeds.dy.data as Float32Array, feeds.w.data as Float32Array];
        const expected = direct(dyData, wData, { n: images, c: channels, o: outputs }, windows);
        const session = await engine.load(encodeModel(graph.model({ dx })));
        const got = (await session.run(feeds)).dx;
        await session.release();
        expect(got?.dims).toEqual([images, channels, ...windows.input]);
        const size = Math.max(...expected.map(Math.abs));
        const worst = Math.max(...expected.map((value, index) => Math.abs(value - Number(got?.data[index]))));
        expect(worst).toBeLessThanOrEqual(2e-6 * size);
      }),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(20);
  });
});
