import { LoaderStatus } from "@tinybms/ota-core/serial";
import { Inflate, Z_DATA_ERROR, Z_SYNC_FLUSH } from "pako";
import type { FlashTiming } from "../flash/flash-counters.ts";
import type { FlashAccess } from "../flash/flash-reader.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { ERASE_BLOCK_SIZE, eraseDurationMs, programDurationMs } from "./flash-duration.ts";

/** A write by a loader: consecutive bytes. */
export interface FlashWritePlan {
  /** First byte in the flash. */
  readonly offset: number;
  /** Number of bytes to write, after decompression. */
  readonly sizeBytes: number;
  readonly compressed: boolean;
  /** A stub erases flash that isn't blank as it goes, and drops the padding of the last block. A ROM does neither. */
  readonly by: "rom" | "stub";
}

/**
 * Carries out one write of a loader. Block numbers are ignored, except that 0 restarts the compressed stream; so a block
 * sent twice is written twice.
 */
export class FlashWrite {
  readonly #flash: FlashAccess;
  readonly #timing: FlashTiming;
  readonly #plan: FlashWritePlan;
  #offset: number;
  #left: number;
  /** End of the range that is ready to be programmed. */
  #erasedTo: number;
  /** Some flash wasn't blank. From there on, all is erased without a check. */
  #foundDirty = false;
  #inflate: Inflate | undefined;
  /** Result of writing the inflated data. */
  #inflatedStatus: number = LoaderStatus.OK;
  #durationMs = 0;

  constructor(flash: FlashAccess, timing: FlashTiming, plan: FlashWritePlan) {
    this.#flash = flash;
    this.#timing = timing;
    this.#plan = plan;
    this.#offset = plan.offset;
    this.#left = plan.sizeBytes;
    this.#erasedTo = Math.floor(plan.offset / SECTOR_SIZE) * SECTOR_SIZE;
  }

  get compressed(): boolean {
    return this.#plan.compressed;
  }

  /** Whether all bytes were written. */
  get isWhole(): boolean {
    return this.#left === 0;
  }

  /** How long this write kept the flash busy, in milliseconds. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /**
   * Writes the next block.
   *
   * @param compressed - Whether the command was for compressed data. A stub accepts both kinds, however the write began.
   * @returns One of `LoaderStatus`.
   */
  block(sequence: number, bytes: Uint8Array, compressed: boolean): number {
    return compressed ? this.#inflateBlock(sequence, bytes) : this.#append(bytes, this.#plan.by === "stub");
  }

  #inflateBlock(sequence: number, bytes: Uint8Array): number {
    if (sequence === 0) this.#beginStream();
    const isStub = this.#plan.by === "stub";
    const inflate = this.#inflate;
    if (inflate === undefined || inflate.ended) return isStub ? LoaderStatus.STUB_INFLATE : LoaderStatus.ROM_INFLATE;
    inflate.push(bytes, Z_SYNC_FLUSH);
    if (this.#inflatedStatus !== LoaderStatus.OK || inflate.err >= 0) return this.#inflatedStatus;
    if (isStub) return LoaderStatus.STUB_INFLATE;
    const isSum = inflate.err === Z_DATA_ERROR && inflate.msg === "incorrect data check";
    return isSum ? LoaderStatus.ROM_ADLER32 : LoaderStatus.ROM_INFLATE;
  }

  #beginStream(): void {
    const inflate = new Inflate({ windowBits: 15 });
    inflate.onData = (part) => {
      if (this.#inflatedStatus === LoaderStatus.OK) this.#inflatedStatus = this.#append(part, false);
    };
    this.#inflate = inflate;
    this.#inflatedStatus = LoaderStatus.OK;
  }

  #append(bytes: Uint8Array, mayBePadded: boolean): number {
    const isStub = this.#plan.by === "stub";
    if (bytes.length > this.#left && !(mayBePadded && this.#left > 0)) {
      return isStub ? LoaderStatus.STUB_TOO_MUCH_DATA : LoaderStatus.ROM_FAILED;
    }
    const part = bytes.subarray(0, this.#left);
    if (isStub && !this.#eraseTo(this.#offset + part.length)) return LoaderStatus.STUB_SPI_OPERATION;
    if (!this.#flash.program(this.#offset, part)) {
      return isStub ? LoaderStatus.STUB_SPI_OPERATION : LoaderStatus.ROM_FLASH_WRITE;
    }
    this.#durationMs += programDurationMs(this.#timing, this.#offset, part.length);
    this.#offset += part.length;
    this.#left -= part.length;
    return LoaderStatus.OK;
  }

  #eraseTo(end: number): boolean {
    const planEnd = this.#plan.offset + this.#plan.sizeBytes;
    while (this.#erasedTo < end) {
      const isBlock = this.#erasedTo % ERASE_BLOCK_SIZE === 0 && planEnd - this.#erasedTo >= ERASE_BLOCK_SIZE;
      const size = isBlock ? ERASE_BLOCK_SIZE : SECTOR_SIZE;
      this.#foundDirty ||= !this.#isBlank(this.#erasedTo, size);
      if (this.#foundDirty) {
        if (!this.#flash.eraseRange(this.#erasedTo, size)) return false;
        this.#durationMs += eraseDurationMs(this.#timing, this.#erasedTo, size);
      }
      this.#erasedTo += size;
    }
    return true;
  }

  #isBlank(offset: number, length: number): boolean {
    let isBlank = true;
    this.#flash.forEachSector(offset, length, (bytes) => {
      isBlank &&= bytes.every((byte) => byte === 0xff);
    });
    return isBlank;
  }
}
