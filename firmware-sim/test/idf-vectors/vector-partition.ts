// The NVS partition of a vector. Operations are counted and torn as its README says: by write, not by flash page.

import { crc32 } from "node:zlib";
import type { NvsStorage } from "@tinybms/ota-core/esp";

const SECTOR_SIZE = 4096;

/** Power cut within a call. */
export interface VectorCut {
  /** Number of operations that take effect; the next one is torn. */
  readonly after: number;
  readonly effect: "none" | "prefix" | "bits";
  readonly value?: number;
}

/** The operation that was torn. */
export interface VectorHit {
  readonly power: "lost";
  readonly hit: "program" | "erase";
  readonly offset: number;
  readonly length: number;
}

/** Signals a power cut. Not an `Error`: hundreds are thrown, and a stack trace would cost time. */
export class VectorPowerLoss {
  readonly hit: VectorHit;

  constructor(hit: VectorHit) {
    this.hit = hit;
  }
}

/** A partition in memory with power cuts. */
export class VectorPartition implements NvsStorage {
  readonly cells: Uint8Array;
  /** Number of operations of the call, including a torn one. */
  operationCount = 0;
  #cut: VectorCut | undefined;
  #checksum: number | undefined;

  constructor(sizeBytes: number) {
    this.cells = new Uint8Array(sizeBytes).fill(0xff);
  }

  get sizeBytes(): number {
    return this.cells.length;
  }

  /** CRC-32 of all cells. */
  get checksum(): number {
    this.#checksum ??= crc32(this.cells);
    return this.#checksum;
  }

  beginCall(cut: VectorCut | undefined): void {
    this.operationCount = 0;
    this.#cut = cut;
  }

  /** Sets bytes from outside. */
  load(offset: number, bytes: Uint8Array): void {
    this.cells.set(bytes, offset);
    this.#checksum = undefined;
  }

  read(offset: number, length: number): Uint8Array {
    return this.cells.subarray(offset, offset + length);
  }

  program(offset: number, bytes: Uint8Array): void {
    const done = this.cells.slice(offset, offset + bytes.length);
    for (let index = 0; index < bytes.length; index++) done[index]! &= bytes[index]!;
    this.#operate("program", offset, done, (cell, mask, index) => cell & (bytes[index]! | mask));
  }

  eraseSector(offset: number): void {
    const done = new Uint8Array(SECTOR_SIZE).fill(0xff);
    this.#operate("erase", offset, done, (cell, mask) => cell | mask);
  }

  #operate(
    kind: VectorHit["hit"],
    offset: number,
    done: Uint8Array,
    tearCell: (cell: number, mask: number, index: number) => number,
  ): void {
    this.operationCount++;
    this.#checksum = undefined;
    const cut = this.#cut;
    if (cut === undefined || this.operationCount <= cut.after) {
      this.cells.set(done, offset);
      return;
    }
    const { length } = done;
    const { effect, value = 0 } = cut;
    if (effect === "prefix") this.cells.set(done.subarray(0, value % (length + 1)), offset);
    let state = (value | 1) >>> 0;
    for (let index = 0; effect === "bits" && index < length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.cells[offset + index] = tearCell(this.cells[offset + index]!, (state >>> 8) & 0xff, index);
    }
    throw new VectorPowerLoss({ power: "lost", hit: kind, offset, length });
  }
}
