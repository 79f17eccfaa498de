/** A seeded source of randomness: the same seed always gives the same numbers, on every machine. */
export interface Random {
  /** 32 random bits, 0 to 2^32 − 1. */
  uint32(): number;
  /** A number in [0, 1) with 53 random bits. */
  float(): number;
  /** A whole number from `min` to `max`, both included, each equally likely. The range spans at most 2^32 numbers. */
  integer(min: number, max: number): number;
  /** True with probability `probability`, 0 to 1. */
  bool(probability?: number): boolean;
  /** Random bytes. */
  bytes(count: number): Uint8Array;
  /** An independent source, itself determined by the seed: what it is asked for doesn't disturb this one. */
  fork(): Random;
}

/**
 * A random number generator for simulations. Not for keys.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush.
 *
 * @param seed - Any number; its lowest 53 bits count, so every seed a command prints can be typed back.
 */
export function createRandom(seed: number): Random {
  const whole = Math.floor(Math.abs(seed));
  return new Sfc32(whole >>> 0, Math.floor(whole / 2 ** 32) >>> 0, seed < 0 ? 1 : 0);
}

/** Rounds that spread a seed over the whole state, as the author of sfc32 advises. */
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
    // Values past the last whole multiple of the span would make small results likelier, so they are drawn again.
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
