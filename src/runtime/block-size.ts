/** Finds out whether an engine has the blocked layout, and how many channels its blocks have: a matter of ONNX Runtime and the processor. */
import { GraphBuilder } from "../graph/index.js";
import { encodeModel } from "../onnx/index.js";
import { tensorOf, toBlocked } from "../ops/index.js";
import type { Engine } from "./types.js";

/** More channels than any block has: ONNX Runtime knows blocks of 8 (AVX) and 16 (AVX-512, Arm). */
const channels = 64;
const positions = 2;

/**
 * Channels per block; undefined where graphs must stay plain: on other devices than the CPU, and on processors for which ONNX Runtime
 * has no blocked kernels.
 */
export async function blockSize(engine: Engine): Promise<number | undefined> {
  if (engine.device !== "cpu") return undefined;
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, channels, 1, positions]);
  const plain = Array.from({ length: channels * positions }, (_, at) => at);
  let found: ArrayLike<number>;
  try {
    const session = await engine.load(encodeModel(graph.model({ y: toBlocked(x) })));
    const { y } = await session.run({ x: tensorOf(plain, "float32", [1, channels, 1, positions]) });
    await session.release();
    found = y?.data as Float32Array;
  } catch {
    return undefined;
  }
  // A block holds the same position of its channels, one after the other.
  let block = 1;
  while (block < channels && found[block] === block * positions) block++;
  return block === 8 || block === 16 ? block : undefined;
}
