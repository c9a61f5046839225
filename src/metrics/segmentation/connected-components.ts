import { ShapeError } from "../../errors.js";

export interface Components {
  /** Int32, one per pixel: 0 outside, and 1 to `count` in the order of the components' first pixels. */
  readonly labels: Int32Array;
  readonly count: number;
  /** Pixels of each component, by its label; `sizes[0]` is the number of pixels outside. */
  readonly sizes: Uint32Array;
}

/**
 * The 8-connected components of the pixels that are not 0: two of them belong together if they touch at a side or a corner. Row-major pixels in
 * two passes: the first gives provisional labels and notes by union-find which are the same, the second resolves them. Numbered
 * as `scipy.ndimage.label` does with a full 3x3 structure.
 *
 * @param pixels  uint8 [H, W]
 * @param width   W ≥ 1
 * @throws ShapeError when the pixels do not fill whole rows
 */
export function connectedComponents(pixels: Uint8Array, width: number): Components {
  checkWidth(pixels.length, width);
  const height = pixels.length / width;
  const labels = new Int32Array(pixels.length);
  // Two provisional labels are never nearer than two pixels along either axis.
  const parents = new Int32Array(Math.ceil(height / 2) * Math.ceil(width / 2) + 1);
  let provisional = 0;
  for (let index = 0, column = 0; index < pixels.length; index++, column++) {
    if (column === width) column = 0;
    if (pixels[index] === 0) continue;
    const above = index - width;
    const left = column > 0;
    let label = above < 0 ? 0 : (labels[above] as number);
    // The pixel above touches all other neighbours that come before; without it, only the one above to the right may be of another component.
    if (label === 0) {
      if (left) label = (labels[index - 1] as number) || (above < 0 ? 0 : (labels[above - 1] as number));
      const right = above < 0 || column === width - 1 ? 0 : (labels[above + 1] as number);
      if (label === 0) label = right;
      else if (right !== 0) join(parents, label, right);
    }
    if (label === 0) {
      label = ++provisional;
      parents[label] = label;
    }
    labels[index] = label;
  }
  return resolve(labels, parents, provisional);
}

/** @throws ShapeError when the pixels do not fill whole rows */
export function checkWidth(pixels: number, width: number): void {
  if (Number.isInteger(width) && width >= 1 && pixels % width === 0) return;
  throw new ShapeError({
    where: "connected components",
    expected: "pixels of shape [H, W]",
    received: `${pixels} pixels in rows of ${width}`,
  });
}

/** The smaller root stays, so a root is the label of its component's first pixel. */
function join(parents: Int32Array, a: number, b: number): void {
  const rootA = rootOf(parents, a);
  const rootB = rootOf(parents, b);
  parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
}

function rootOf(parents: Int32Array, label: number): number {
  let root = label;
  while (parents[root] !== root) {
    // Halves the path for the next search.
    parents[root] = parents[parents[root] as number] as number;
    root = parents[root] as number;
  }
  return root;
}

function resolve(labels: Int32Array, parents: Int32Array, provisional: number): Components {
  const final = new Int32Array(provisional + 1);
  let count = 0;
  for (let label = 1; label <= provisional; label++) {
    // A root comes before all that point to it.
    const root = rootOf(parents, label);
    final[label] = root === label ? ++count : (final[root] as number);
  }
  const sizes = new Uint32Array(count + 1);
  for (let index = 0; index < labels.length; index++) {
    const label = final[labels[index] as number] as number;
    labels[index] = label;
    sizes[label] = (sizes[label] as number) + 1;
  }
  return { labels, count, sizes };
}
