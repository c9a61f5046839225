import { expect, test } from "vitest";
import { bytes, noise, reference } from "../../../test/data/segmentation.js";
import { resizePicture, resizeWindow } from "../resize.js";
import { resizeLabels, resizeScene } from "./resize-scene.js";

const size = ([height, width]: readonly [number, number]) => ({ height, width });

test.each(reference.nearest)("labels $source to $target: every pixel is that of Pillow's NEAREST", (item) => {
  const labels = resizeLabels(bytes(item.input), size(item.source), size(item.target));
  expect(labels).toEqual(bytes(item.output));
});

test("a window of the labels is a part of the whole", () => {
  const labels = noise(9, 13, 1, 1);
  const whole = resizeLabels(labels, { height: 9, width: 13 }, { height: 20, width: 31 });
  const window = { top: 3, left: 5, height: 7, width: 11 };
  const part = resizeLabels(labels, { height: 9, width: 13 }, { height: 20, width: 31 }, window);
  part.forEach((label, at) => {
    expect(label).toBe(whole[(3 + Math.floor(at / 11)) * 31 + 5 + (at % 11)]);
  });
});

test.each([
  [20, 31],
  [5, 6],
  [9, 31],
  [20, 13],
  [9, 13],
] as const)("a window of an image brought to %i x %i is a part of the whole, to the byte", (height, width) => {
  const picture = { data: noise(9, 13), shape: [3, 9, 13] as const };
  const { data: whole } = resizePicture(picture, height, width, "stretch");
  for (const window of [
    { top: 0, left: 0, height, width },
    { top: height - 2, left: width - 4, height: 2, width: 4 },
    { top: 1, left: 2, height: 3, width: 1 },
  ]) {
    const { data, shape } = resizeWindow(picture, [height, width], window);
    expect(shape).toEqual([3, window.height, window.width]);
    data.forEach((value, at) => {
      const [row, column] = [Math.floor(at / window.width), at % window.width];
      const channel = Math.floor(row / window.height);
      const place = (channel * height + window.top + (row % window.height)) * width + window.left + column;
      expect(value).toBe(whole[place]);
    });
  }
});

test("labels and image of a scene shrink alike, and no label arises that was not there", () => {
  const labels = Uint8Array.from({ length: 64 }, (_, at) => (at % 8 < 4 ? 0 : 254));
  const image = new Uint8Array(192);
  for (let at = 0; at < 192; at++) image[at] = at % 8 < 4 ? 0 : 254;
  const half = resizeScene({ image, labels, height: 8, width: 8 }, { height: 4, width: 4 });
  expect([...half.labels.subarray(0, 4)]).toEqual([0, 0, 254, 254]);
  expect(half.image[0]).toBe(0);
  expect(half.image[3]).toBe(254);
});
