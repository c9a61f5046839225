/** Float64 vectors in plain loops, which are what fits spend their time in. */

/** Of two vectors as long as the first. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}

/** to += factor · from, over the length of the shorter. */
export function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  const length = Math.min(to.length, from.length);
  for (let at = 0; at < length; at++) to[at] = (to[at] as number) + factor * (from[at] as number);
}
