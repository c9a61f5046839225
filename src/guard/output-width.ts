import { ShapeError } from "../errors.js";
import type { Classifier } from "../training/classifier.js";

/** Output of a network with the head of Generalized ODIN, [N, K]. */
export const cosineOutput = "cosine";

/**
 * Columns of a further output of a network, [N, columns].
 *
 * @param score  that is of it
 * @throws ShapeError for a network without the output
 */
export function outputWidth(score: string, { upgraded: { graph } }: Classifier, tensor: string): number {
  const width = graph.outputs.find((output) => output.name === tensor)?.dims?.[1];
  if (typeof width === "number") return width;
  throw new ShapeError({
    where: `score ${score}`,
    expected: `a network with the output "${tensor}"`,
    received: graph.outputs.map((output) => output.name).join(", "),
    hint:
      tensor === cosineOutput
        ? "make it by `offmap train --head deconf`"
        : "make it by `offmap train --loss eat` or `--loss cocl`",
  });
}
