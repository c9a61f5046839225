import { UnsupportedError } from "../errors.js";

/**
 * What a loss needs beside the logits.
 *
 * @throws UnsupportedError when it is missing
 */
export function needed<T>(value: T | undefined, loss: string, expected: string): T {
  if (value === undefined) throw new UnsupportedError({ where: `${loss} loss`, expected, received: "none" });
  return value;
}
