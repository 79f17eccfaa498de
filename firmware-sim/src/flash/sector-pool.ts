/** Number of sectors in a pool, 16 MiB: more than the sectors of the images that a fleet runs and receives. */
const SLOTS = 4_096;

/** Distance of the bytes that choose a sector's slot. Odd, so that they don't all fall on one byte of the words of an image. */
const SAMPLE_STEP = 61;

/**
 * Keeps one copy of equal sectors. A fleet that receives an image writes each sector a thousand times, and the process
 * holds it once.
 *
 * A direct-mapped table: each content has one slot, and the latest one stays. So the pool never holds more than 16 MiB, and
 * two contents that meet in a slot cost memory only.
 */
export class SectorPool {
  readonly #slots: (Uint8Array | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);

  /**
   * Returns an array with the same content, which others may share: nobody may change it.
   *
   * @param bytes - One sector. It is copied if its content is new.
   */
  share(bytes: Uint8Array): Uint8Array {
    const slot = slotOf(bytes);
    const known = this.#slots[slot];
    if (known !== undefined && Buffer.compare(known, bytes) === 0) return known;
    // Not slice(): for a Node.js Buffer it returns a view.
    const copy = new Uint8Array(bytes);
    this.#slots[slot] = copy;
    return copy;
  }
}

/** Hashes a sample of the bytes (FNV-1a). */
function slotOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index += SAMPLE_STEP) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
