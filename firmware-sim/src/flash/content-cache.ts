import type { FlashReader } from "./flash-reader.ts";
import { SECTOR_SIZE } from "./sector-store.ts";

/** Results kept for one key. A sweep alternates between few states of a slot. */
const RESULTS_MAX = 4;

/** A flash that can identify the content of a sector. */
interface IdentifiedFlash extends FlashReader {
  /** The same object means the same content; `undefined` if reads are unreliable. See `NorFlash.contentIdentity`. */
  contentIdentity(sectorIndex: number): object | undefined;
}

interface Remembered {
  /** Every sector that was read, with the identity of its content. */
  readonly sectors: readonly (readonly [sectorIndex: number, identity: object])[];
  readonly result: unknown;
}

/**
 * Caches results that depend on flash alone, such as whether an image verifies, for as long as the sectors that they
 * were read from are unchanged. The identity of their contents decides, so the devices of a fleet share the results of one
 * image.
 */
export class ContentCache {
  readonly #results: Map<string, Remembered[]> = new Map();

  /** See {@link FlashReader.remember}. Keeps nothing if `compute` throws, or reads weak cells or beyond the end. */
  remember<Result>(key: string, flash: IdentifiedFlash, compute: (flash: FlashReader) => Result): Result {
    const known = this.#results.get(key) ?? [];
    const position = known.findIndex(({ sectors }) =>
      sectors.every(([sectorIndex, identity]) => flash.contentIdentity(sectorIndex) === identity),
    );
    const found = known[position];
    if (found !== undefined) {
      known.splice(position, 1);
      known.unshift(found);
      return found.result as Result;
    }
    const noting = new NotingReader(flash);
    const result = compute(noting);
    const sectors = noting.sectors;
    if (sectors === undefined) return result;
    known.unshift({ sectors, result });
    if (known.length > RESULTS_MAX) known.pop();
    this.#results.set(key, known);
    return result;
  }
}

/** Forwards reads and records the sectors that they depend on. */
class NotingReader implements FlashReader {
  readonly sizeBytes: number;
  readonly #flash: IdentifiedFlash;
  readonly #identities: Map<number, object> = new Map();
  #isReliable = true;

  constructor(flash: IdentifiedFlash) {
    this.#flash = flash;
    this.sizeBytes = flash.sizeBytes;
  }

  /** Sectors read so far; `undefined` if a later read of one of them may differ. */
  get sectors(): (readonly [number, object])[] | undefined {
    return this.#isReliable ? [...this.#identities] : undefined;
  }

  read(offset: number, length: number): Uint8Array {
    this.#note(offset, length);
    return this.#flash.read(offset, length);
  }

  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean {
    this.#note(offset, length);
    return this.#flash.forEachSector(offset, length, visit);
  }

  #note(offset: number, length: number): void {
    // Each access beyond the end must be recorded as a violation, so its result can't be cached.
    if (length > this.sizeBytes - offset) this.#isReliable = false;
    const last = Math.min(offset + length, this.sizeBytes) - 1;
    for (let sector = Math.floor(offset / SECTOR_SIZE); sector <= Math.floor(last / SECTOR_SIZE); sector++) {
      if (this.#identities.has(sector)) continue;
      const identity = this.#flash.contentIdentity(sector);
      if (identity === undefined) this.#isReliable = false;
      else this.#identities.set(sector, identity);
    }
  }
}
