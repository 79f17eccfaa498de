import { sha256 } from "@tinybms/ota-core";

interface PooledSector {
  readonly bytes: Uint8Array;
  /** Computed when it is asked for. */
  sha256: Uint8Array | undefined;
}

/** Number of sectors in a pool, 16 MiB: more than the sectors of the images that a fleet runs and receives. */
const SECTORS_MAX = 4_096;

/** Distance of the bytes that choose a sector's key. Odd, so that they fall on every byte of the words of an image. */
const SAMPLE_STEP = 61;

/**
 * Keeps one copy of equal sectors. A fleet that receives an image writes each sector a thousand times, and the process
 * holds it once.
 *
 * The pool holds at most 16 MiB and forgets the oldest sector for a new one. Sectors with the same key replace each other.
 * What is forgotten costs memory only: its next copy is not shared with the earlier ones.
 */
export class SectorPool {
  readonly #sectors: Map<number, PooledSector> = new Map();

  /**
   * Returns an array with the same content, which others may share: nobody may change it.
   *
   * @param bytes - One sector. It is copied if its content is new.
   */
  share(bytes: Uint8Array): Uint8Array {
    return this.#pooled(bytes, copyOf).bytes;
  }

  /**
   * Returns an array with the same content, as {@link share} does, and copies nothing.
   *
   * @param bytes - One sector, which nobody may change anymore: the pool keeps this array if its content is new.
   */
  adopt(bytes: Uint8Array): Uint8Array {
    return this.#pooled(bytes, (own) => own).bytes;
  }

  /** Returns the SHA-256 of one sector, 32 bytes that nobody may change. Hashes each content once while it is pooled. */
  sha256(bytes: Uint8Array): Uint8Array {
    const pooled = this.#pooled(bytes, copyOf);
    pooled.sha256 ??= sha256(pooled.bytes);
    return pooled.sha256;
  }

  #pooled(bytes: Uint8Array, keep: (bytes: Uint8Array) => Uint8Array): PooledSector {
    const key = keyOf(bytes);
    const known = this.#sectors.get(key);
    if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known;
    const pooled = { bytes: keep(bytes), sha256: undefined };
    this.#sectors.set(key, pooled);
    if (this.#sectors.size > SECTORS_MAX) this.#forgetOldest();
    return pooled;
  }

  #forgetOldest(): void {
    for (const key of this.#sectors.keys()) {
      this.#sectors.delete(key);
      return;
    }
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  // Not slice(): for a Node.js Buffer it returns a view.
  return new Uint8Array(bytes);
}

/** Hashes a sample of the bytes (FNV-1a). */
function keyOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index += SAMPLE_STEP) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  }
  return hash;
}
