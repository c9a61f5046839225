import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { OptionError } from "../errors.js";

/** A seeded source of random numbers. Same seed and same calls: same numbers, on every machine. */
export interface Generator {
  /** Uniform integer in [0, n), 1 <= n <= 2^53. */
  integer(n: number): number;
  /** Uniform float64 in [0, 1). */
  uniform(): number;
  /** 0..n-1 in random order, every order as likely as any other. */
  permutation(n: number): Int32Array;
  /**
   * An independent generator that depends on this one's seed and on the label only, not on what was drawn before. So
   * `generator.fork("augment").fork(step)` gives a step its numbers without replaying the steps before it.
   * The number 1 and the string "1" are different labels.
   */
  fork(label: string | number): Generator;
}

/**
 * @param seed  integer in [0, 2^53)
 * @throws OptionError for anything else
 */
export function createGenerator(seed: number): Generator {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError({ where: "seed", expected: "an integer from 0 to 2^53 - 1", received: String(seed) });
  }
  return new KeyedGenerator(absorbNumber([0x6f66666d, 0x61702d72, 0x616e646f, 0x6d2d3031], seed));
}

/** A draw from the standard normal distribution (Box and Muller, 1958); takes two numbers from the generator. */
export function normal(generator: Generator): number {
  // 1 - u lies in (0, 1], where the logarithm is finite.
  return Math.sqrt(-2 * Math.log(1 - generator.uniform())) * Math.cos(2 * Math.PI * generator.uniform());
}

type Key = readonly [number, number, number, number];

/** xoroshiro128+ started from a 128-bit key; forks mix a label into the key. */
class KeyedGenerator implements Generator {
  readonly #key: Key;
  readonly #stream;

  constructor(key: Key) {
    this.#key = key;
    // An all-zero state would yield zeros for ever.
    this.#stream = xoroshiro128plusFromState(key.every((word) => word === 0) ? [1, 0, 0, 0] : key);
  }

  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new OptionError({ where: "random integer", expected: "a range of at least 1", received: String(n) });
    }
    return uniformInt(this.#stream, 0, n - 1);
  }

  uniform(): number {
    return uniformFloat64(this.#stream);
  }

  permutation(n: number): Int32Array {
    const result = Int32Array.from({ length: n }, (_, index) => index);
    // Fisher-Yates, from the end.
    for (let last = n - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const moved = result[last] as number;
      result[last] = result[other] as number;
      result[other] = moved;
    }
    return result;
  }

  fork(label: string | number): Generator {
    return new KeyedGenerator(
      typeof label === "number" ? absorbNumber(this.#key, label) : absorbString(this.#key, label),
    );
  }
}

/** Tells numbers from strings, so that the labels 1 and "1" lead to different streams. */
const kindTag = { number: 1, string: 2 } as const;

function absorbNumber(key: Key, value: number): Key {
  const words = new Uint32Array(new Float64Array([value]).buffer);
  return absorb(key, [kindTag.number, words[0] as number, words[1] as number]);
}

function absorbString(key: Key, text: string): Key {
  return absorb(key, [kindTag.string, text.length, ...Array.from(text, (character) => character.codePointAt(0) ?? 0)]);
}

/**
 * Mixes words into a key, four lanes of 32 bits. Every word passes through every lane, and every lane into its
 * neighbour, so that keys that differ in one bit end up unrelated. The multipliers are odd, as a bijection needs.
 * No protection against people who search for collisions on purpose.
 */
function absorb(key: Key, words: readonly number[]): Key {
  let [a, b, c, d] = key;
  for (const word of words) {
    a = avalanche(a ^ word);
    b = avalanche((b + Math.imul(a, 0x9e3779b1)) ^ word);
    c = avalanche((c + Math.imul(b, 0x85ebca77)) ^ word);
    d = avalanche((d + Math.imul(c, 0xc2b2ae3d)) ^ word);
    a = (a + d) | 0;
  }
  return [a, b, c, d];
}

/** Spreads each input bit over all output bits (the finaliser of MurmurHash3, which is in the public domain). */
function avalanche(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
