import { createRandom, type Random } from "../../firmware-sim/src/random/random.ts";

/** Random choices, determined by a seed. */
export class Choices {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** Returns a whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return this.#random.integer(0, limit - 1);
  }

  /** Returns one of the items, each equally likely. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

/** Derives the seed of a part of the work from the seed of the whole and the part's name (FNV-1a). */
export function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}
