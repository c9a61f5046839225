import { readNpy } from "../data/index.js";
import { DataError, FormatError } from "../errors.js";

/**
 * Reads OOD scores from an NPY file.
 *
 * @throws FormatError unless it is a 1-D array of float32 or float64; DataError for a score that is not finite
 */
export async function readScores(path: string): Promise<Float32Array | Float64Array> {
  const { shape, data } = await readNpy(path);
  if (!(data instanceof Float32Array || data instanceof Float64Array) || shape.length !== 1) {
    throw new FormatError({
      where: path,
      expected: "scores as a 1-D array of float32 or float64",
      received: `${data.constructor.name.replace("Array", "").toLowerCase()} [${shape.join(", ")}]`,
      hint: "save scores.ravel().astype('float32') with numpy.save",
    });
  }
  const bad = data.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) {
    throw new DataError({
      where: `${path}, element ${bad}`,
      expected: "a finite score",
      received: String(data[bad]),
      hint: "find out which image gave it, and leave it out or mend the score",
    });
  }
  return data;
}
