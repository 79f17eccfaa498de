/** A seeded random number source: the same seed gives the same numbers on every machine. */
export interface Random {
  /** Returns 32 random bits, 0 to 2^32 − 1. */
  uint32(): number;
  /** Returns a number in [0, 1) with 53 random bits. */
  float(): number;
  /** Returns an integer from `min` to `max` inclusive, all equally likely. The range spans at most 2^32 numbers. */
  integer(min: number, max: number): number;
  /** Returns `true` with the given probability, 0 to 1. */
  bool(probability?: number): boolean;
  /** Returns random bytes. */
  bytes(count: number): Uint8Array;
  /** Returns an independent source, itself determined by the seed. Using it doesn't affect this one. */
  fork(): Random;
}

/**
 * Creates a random number generator for simulations. Not for keys.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush.
 *
 * @param seed - Any number. Its lowest 53 bits count, so that a seed printed by a command can be entered again.
 */
export function createRandom(seed: number): Random {
  const whole = Math.floor(Math.abs(seed));
  return new Sfc32(whole >>> 0, Math.floor(whole / 2 ** 32) >>> 0, seed < 0 ? 1 : 0);
}

/** Rounds that mix a seed into the whole state, as the author of sfc32 recommends. */
const WARM_UP_ROUNDS = 15;

class Sfc32 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(a: number, b: number, c: number) {
    [this.#a, this.#b, this.#c] = [a, b, c];
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  float(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  integer(min: number, max: number): number {
    const span = max - min + 1;
    if (!(Number.isSafeInteger(min) && span >= 1 && span <= 2 ** 32)) {
      throw new RangeError(
        `integer(${min}, ${max}): the bounds must be whole, in order and at most 2^32 numbers apart`,
      );
    }
    // Values past the last whole multiple of the span would make small results more likely, so they are redrawn.
    const limit = 2 ** 32 - (2 ** 32 % span);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return min + (value % span);
  }

  bool(probability = 0.5): boolean {
    return this.float() < probability;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index += 4) {
      const word = this.uint32();
      for (let byte = 0; byte < 4 && index + byte < count; byte++) bytes[index + byte] = word >>> (8 * byte);
    }
    return bytes;
  }

  fork(): Random {
    return new Sfc32(this.uint32(), this.uint32(), this.uint32());
  }
}
