import { createHash } from "node:crypto";
import { utf8, viewOf } from "@tinybms/ota-core";
import { encodeSlip, LoaderStatus } from "@tinybms/ota-core/serial";
import type { Hardware } from "../boot/boot-options.ts";
import { flashViewOf } from "../boot/flash-view.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { eraseDurationMs } from "./flash-duration.ts";
import { FlashReadout } from "./flash-readout.ts";
import { FlashWrite } from "./flash-write.ts";
import type { LoaderEffect } from "./loader-effect.ts";
import { DONE, type LoaderReply } from "./loader-reply.ts";

/** Flash size that a ROM assumes until SPI_SET_PARAMS, in bytes. */
const ROM_FLASH_SIZE = 2 * 2 ** 20;

/** Number of bytes in each answer to READ_FLASH_SLOW. */
const SLOW_READ_SIZE = 64;

/** Maximum size of a block and of a packet of a stub, in bytes. */
const STUB_BLOCK_MAX = 0x4000;
const STUB_PACKET_MAX = 0x1000;

/** Carries out the loader's commands that access the flash. */
export class LoaderFlash {
  readonly #hardware: Hardware;
  #isStub = false;
  #isAttached = false;
  /** End of the flash as the loader knows it. */
  #sizeBytes = ROM_FLASH_SIZE;
  #write: FlashWrite | undefined;
  /** Error that a stub found after it had sent its response. */
  #lateStatus: number = LoaderStatus.OK;
  #read: FlashReadout | undefined;

  constructor(hardware: Hardware) {
    this.#hardware = hardware;
  }

  /** Switches to a stub, which attaches the flash by itself and knows its size. */
  startStub(): void {
    this.#isStub = true;
    this.#isAttached = true;
    this.#sizeBytes = this.#hardware.flash.sizeBytes;
    this.#write = undefined;
  }

  /** Whether the SPI controller's pins reach the flash chip. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  attach(): LoaderReply {
    this.#isAttached = true;
    return DONE;
  }

  /** @param words - id, size, block size, sector size, page size, status mask. */
  setParameters(words: readonly number[]): LoaderReply {
    const [, sizeBytes = 0] = words;
    this.#sizeBytes = Math.min(sizeBytes, this.#hardware.flash.sizeBytes);
    return DONE;
  }

  /** Returns, once, an error that an earlier command found after its response. */
  takeLateStatus(): number {
    const status = this.#lateStatus;
    this.#lateStatus = LoaderStatus.OK;
    return status;
  }

  /** @param words - size, blocks, block size, offset, and 1 for data to be encrypted. */
  begin(words: readonly number[], compressed: boolean): LoaderReply {
    const [size = 0, blocks = 0, blockSize = 0, offset = 0, encrypted = 0] = words;
    const { flash } = this.#hardware;
    const { timing } = flash;
    if (this.#isStub && blockSize > STUB_BLOCK_MAX) return { status: LoaderStatus.STUB_BLOCK_SIZE };
    const start = Math.floor(offset / SECTOR_SIZE) * SECTOR_SIZE;
    const length = Math.ceil((offset + size) / SECTOR_SIZE) * SECTOR_SIZE - start;
    if (!this.#isAttached || !this.#isWithin(offset, size)) return this.#failed();
    const by = this.#isStub ? "stub" : "rom";
    const sizeBytes = this.#isStub || compressed ? size : blocks * blockSize;
    const target = encrypted === 0 ? flash : flashViewOf(this.#hardware);
    this.#write = new FlashWrite(target, timing, { offset, sizeBytes, compressed, by });
    if (this.#isStub) return DONE;
    if (!flash.eraseRange(start, length)) return { status: LoaderStatus.ROM_FLASH_WRITE };
    return { busyMs: eraseDurationMs(timing, start, length) };
  }

  /** Writes a block. A ROM writes, then responds. A stub responds, then writes, and reports errors with the next command. */
  block(sequence: number, bytes: Uint8Array, compressed: boolean): LoaderReply {
    const write = this.#writeFor(compressed);
    if (write === undefined) return this.#notWriting();
    const before = write.durationMs;
    if (!this.#isStub) {
      const status = write.block(sequence, bytes, compressed);
      return { status, busyMs: write.durationMs - before };
    }
    const afterwards = (): readonly LoaderEffect[] => {
      this.#lateStatus = write.block(sequence, bytes, compressed);
      return [{ type: "busy", durationMs: write.durationMs - before }];
    };
    return { afterwards };
  }

  end(compressed: boolean): LoaderReply {
    const write = this.#writeFor(compressed);
    if (write === undefined) return this.#notWriting();
    if (this.#isStub && !write.isWhole) return { status: LoaderStatus.STUB_DATA_LENGTH };
    this.#write = undefined;
    return DONE;
  }

  /** Computes the MD5 of a range. A ROM returns it in hex, a stub in bytes. */
  md5(offset: number, size: number): LoaderReply {
    if (!this.#isAttached || !this.#isWithin(offset, size)) return this.#failed();
    const digest = createHash("md5");
    this.#hardware.flash.forEachSector(offset, size, (bytes) => digest.update(bytes));
    return { payload: this.#isStub ? new Uint8Array(digest.digest()) : utf8(digest.digest("hex")) };
  }

  readSlow(offset: number, length: number): LoaderReply {
    if (length > SLOW_READ_SIZE) return { status: LoaderStatus.ROM_READ_LENGTH };
    if (!this.#isAttached || !this.#isWithin(offset, length)) return { status: LoaderStatus.ROM_FLASH_READ };
    const payload = new Uint8Array(SLOW_READ_SIZE);
    payload.set(this.#hardware.flash.read(offset, length));
    return { payload };
  }

  eraseAll(): LoaderReply {
    return this.eraseRegion(0, this.#hardware.flash.sizeBytes);
  }

  eraseRegion(offset: number, size: number): LoaderReply {
    const { flash } = this.#hardware;
    if (offset % SECTOR_SIZE !== 0 || size % SECTOR_SIZE !== 0) return { status: LoaderStatus.STUB_DATA_LENGTH };
    if (!flash.eraseRange(offset, size)) return { status: LoaderStatus.STUB_SPI_OPERATION };
    return { busyMs: eraseDurationMs(flash.timing, offset, size) };
  }

  /** @param words - offset, length, packet size, and maximum number of unacknowledged packets, which a stub takes as 1. */
  beginRead(words: readonly number[]): LoaderReply {
    const [offset = 0, length = 0, packetSize = 0] = words;
    if (packetSize === 0 || packetSize > STUB_PACKET_MAX) return { status: LoaderStatus.STUB_BLOCK_SIZE };
    if (!this.#isWithin(offset, length)) return this.#failed();
    const read = new FlashReadout(this.#hardware.flash, offset, length, packetSize);
    this.#read = read;
    return { afterwards: () => [{ type: "send", bytes: encodeSlip(read.next()) }] };
  }

  /**
   * Handles a frame that may acknowledge a packet of the current read.
   *
   * @returns The next packet to send; `undefined` if it is not an acknowledgment.
   */
  acknowledge(frame: Uint8Array): LoaderEffect | undefined {
    const read = this.#read;
    if (read === undefined || read.isOver) return undefined;
    const next = read.acknowledge(frame);
    return next === undefined ? undefined : { type: "send", bytes: encodeSlip(next) };
  }

  /** Returns the write that a command continues. A ROM also checks the kind of write, a stub does not. */
  #writeFor(compressed: boolean): FlashWrite | undefined {
    const write = this.#write;
    return this.#isStub || write?.compressed === compressed ? write : undefined;
  }

  #isWithin(offset: number, size: number): boolean {
    return offset + size <= this.#sizeBytes;
  }

  #failed(): LoaderReply {
    return { status: this.#isStub ? LoaderStatus.STUB_SPI_OPERATION : LoaderStatus.ROM_FAILED };
  }

  #notWriting(): LoaderReply {
    return { status: this.#isStub ? LoaderStatus.STUB_NOT_IN_FLASH_MODE : LoaderStatus.ROM_FAILED };
  }
}

/** Returns the uint32 words in a command's data. */
export function wordsOf(data: Uint8Array): readonly number[] {
  const view = viewOf(data);
  return Array.from({ length: Math.floor(data.length / 4) }, (_, index) => view.getUint32(4 * index, true));
}
