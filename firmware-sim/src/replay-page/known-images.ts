import { equalBytes } from "@tinybms/ota-core";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import type { SectorContent } from "./replay-document.ts";

/** Tells the images that a flash may hold. */
export interface KnownImages {
  /**
   * Returns the image whose part stands in a sector of a slot for apps.
   *
   * @param bytes - The sector.
   * @param from - Its offset in the slot, in bytes.
   * @returns `undefined` if it is a part of no known image.
   */
  contentOf(bytes: Uint8Array, from: number): Extract<SectorContent, "old image" | "new image"> | undefined;
}

/** Two images whose bytes are at hand. */
export class TwoImages implements KnownImages {
  readonly #old: Uint8Array;
  readonly #new: Uint8Array;

  constructor({ old, new: update }: { readonly old: Uint8Array; readonly new: Uint8Array }) {
    this.#old = old;
    this.#new = update;
  }

  contentOf(bytes: Uint8Array, from: number): ReturnType<KnownImages["contentOf"]> {
    if (holds(bytes, this.#new, from)) return "new image";
    return holds(bytes, this.#old, from) ? "old image" : undefined;
  }
}

/** Returns `true` if a sector holds its part of an image, and nothing after the image's end. */
function holds(bytes: Uint8Array, image: Uint8Array, from: number): boolean {
  const part = image.subarray(from, from + SECTOR_SIZE);
  if (part.length === 0 || !equalBytes(bytes.subarray(0, part.length), part)) return false;
  return isErased(bytes.subarray(part.length));
}

const ERASED = new Uint8Array(SECTOR_SIZE).fill(0xff);

/** Returns `true` if all bytes are those of erased flash. @param bytes - At most a sector. */
export function isErased(bytes: Uint8Array): boolean {
  // Compared natively: a page begins by looking at every sector of every flash.
  return Buffer.compare(bytes, ERASED.subarray(0, bytes.length)) === 0;
}
