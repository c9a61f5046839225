import { describe, expect, test } from "vitest";
import { formatNormalization, normalize, parseNormalization } from "./normalization.js";

describe("parsing", () => {
  test("means and standard deviations come back as written", () => {
    const parsed = parseNormalization("0.5, 0.45,0.4:0.25,0.2,0.3");
    expect(parsed).toEqual({ mean: [0.5, 0.45, 0.4], std: [0.25, 0.2, 0.3] });
    expect(parseNormalization(formatNormalization(parsed))).toEqual(parsed);
  });

  test.each([
    ["", 'got ""'],
    ["0.5", 'got "0.5"'],
    ["0.5:", 'got "0.5:"'],
    ["0.5,,0.5:1,1,1", 'got "0.5,,0.5:1,1,1"'],
    ["0.5:0.2:0.1", "got"],
    ["a:b", "got"],
    ["NaN:1", "got"],
    ["0.5:Infinity", "got"],
    ["0.5,0.5:0.2", "got 2 means and 1 standard deviations"],
    ["123,117,104:58,57,57", "got a mean of 123; divide"],
    ["0.5:0", "got a standard deviation of 0"],
    ["0.5:-1", "got a standard deviation of -1"],
  ])("%j is refused", (text, message) => {
    expect(() => parseNormalization(text)).toThrow(message);
  });
});

describe("normalize", () => {
  test("subtracts each channel's mean, after division by 255, and divides by its deviation", () => {
    const data = Uint8Array.of(0, 255, 51, 102, 0, 255, 51, 102);
    const result = normalize({ data, count: 2, shape: [2, 1, 2] }, { mean: [0.5, 0.2], std: [0.25, 0.1] });
    expect([...result]).toEqual([-2, 2, 0, 2, -2, 2, 0, 2].map((value) => expect.closeTo(value, 6)));
  });

  test("every byte gives what PyTorch's ToTensor and Normalize give, to one float32 rounding", () => {
    const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const result = normalize({ data, count: 1, shape: [1, 16, 16] }, { mean: [0.485], std: [0.229] });
    result.forEach((value, byte) => {
      expect(Math.abs(value - (byte / 255 - 0.485) / 0.229)).toBeLessThan(1.3e-7);
    });
  });

  test("without normalization pixels lie in [0, 1], and floats are left alone", () => {
    expect([...normalize({ data: Uint8Array.of(0, 255), count: 1, shape: [1, 1, 2] })]).toEqual([0, 1]);
    expect([...normalize({ data: Float32Array.of(0.25, 1), count: 1, shape: [1, 1, 2] })]).toEqual([0.25, 1]);
  });

  test("floats are shifted and scaled like bytes", () => {
    const batch = { data: Float32Array.of(0.25, 1), count: 1, shape: [2, 1, 1] as const };
    expect([...normalize(batch, { mean: [0.5, 0], std: [0.5, 0.25] })]).toEqual([-0.5, 4]);
  });

  test("one value serves all channels, other numbers than the channels' are refused", () => {
    const batch = { data: Uint8Array.of(255, 255, 255), count: 1, shape: [3, 1, 1] as const };
    expect([...normalize(batch, { mean: [0.5], std: [0.5] })]).toEqual([1, 1, 1]);
    expect(() => normalize(batch, { mean: [0.5, 0.5], std: [0.5, 0.5] })).toThrow("each of 3 channels, got 2 and 2");
  });
});
