import type { NvsStorage } from "@tinybms/ota-core/esp";
import { NorFlash, type WatchedOperation } from "../../src/flash/nor-flash.ts";
import type { CutMoment } from "../../src/flash/power-cut.ts";

/** The next power cut, with the name of its tear for each kind of operation. */
export interface NvsCut {
  /** Number of the operation, counted from the next page program or sector erase, which is 1. */
  readonly operation: number;
  readonly moment: CutMoment;
  readonly programTear?: string;
  readonly eraseTear?: string;
  readonly seed?: number;
}

/** A page program or a sector erase. */
export interface NvsOperation {
  readonly kind: WatchedOperation["kind"];
  readonly offset: number;
  /** Bytes to program; empty for an erase. */
  readonly bytes: Uint8Array;
}

/** Tears of programs: all that leave no weak cells. */
export const PROGRAM_TEARS: readonly string[] = [
  "prefix-1",
  "prefix-half",
  "prefix-all-but-last",
  "suffix-half",
  "subset-10",
  "subset-50",
  "subset-90",
];

/** Tears of erases: all that leave no weak cells. */
export const ERASE_TEARS: readonly string[] = [
  "zeroed-quarter",
  "zeroed-three-quarters",
  "all-zero",
  "freed-10",
  "mix-50",
];

/**
 * Tears of flash that programs bytes in order and erases the header first. ESP-IDF's format does not survive all
 * others.
 */
export const ORDERLY_TEARS: { readonly program: readonly string[]; readonly erase: readonly string[] } = {
  program: ["prefix-1", "prefix-half", "prefix-all-but-last"],
  erase: ["all-zero", "mix-50"],
};

/** A flash that consists of one NVS partition. */
export class NvsFlash implements NvsStorage {
  readonly sizeBytes: number;
  /** Operations since this flash or copy was created. Set an array to record them. */
  trace: NvsOperation[] | undefined;
  /** The last operation that began. */
  lastOperation: NvsOperation | undefined;
  readonly #nor: NorFlash;
  readonly #operationsBefore: number;
  readonly #violationsBefore: number;
  readonly #readsBefore: number;
  #cut: (NvsCut & { readonly at: number }) | undefined;

  /** @param content - Size of a blank partition in bytes, content of the partition, or a flash to copy. */
  constructor(content: number | Uint8Array | NvsFlash) {
    this.#nor = content instanceof NvsFlash ? content.#nor.snapshot() : new NorFlash(2 ** 20);
    this.sizeBytes =
      content instanceof NvsFlash ? content.sizeBytes : typeof content === "number" ? content : content.length;
    if (content instanceof Uint8Array) this.#nor.load(0, content);
    this.#operationsBefore = this.#nor.operationCount;
    this.#violationsBefore = this.#nor.violationCount;
    this.#readsBefore = this.#nor.counters.reads;
    this.#nor.watch((operation) => this.#begin(operation));
  }

  /** Current content of the cells. */
  get cells(): Uint8Array {
    return this.#nor.truth(0, this.sizeBytes);
  }

  /** Number of page programs and sector erases since this flash or copy was created. */
  get operationCount(): number {
    return this.#nor.operationCount - this.#operationsBefore;
  }

  get readCount(): number {
    return this.#nor.counters.reads - this.#readsBefore;
  }

  /** Number of programs that tried to change a bit from 0 to 1. */
  get lostBitCount(): number {
    return this.#nor.violationCount - this.#violationsBefore;
  }

  /** Sets cells from outside. */
  load(offset: number, bytes: Uint8Array): void {
    this.#nor.load(offset, bytes);
  }

  arm(cut: NvsCut): void {
    this.#cut = { ...cut, at: this.#nor.operationCount + cut.operation };
  }

  disarm(): void {
    this.#cut = undefined;
  }

  powerOn(): void {
    this.#nor.powerOn();
  }

  read(offset: number, length: number): Uint8Array {
    return this.#nor.read(offset, length);
  }

  program(offset: number, bytes: Uint8Array): void {
    this.#nor.program(offset, bytes);
  }

  eraseSector(offset: number): void {
    this.#nor.eraseSector(offset);
  }

  #begin(operation: WatchedOperation): void {
    this.lastOperation = { ...operation, bytes: operation.bytes?.slice() ?? new Uint8Array(0) };
    this.trace?.push(this.lastOperation);
    const cut = this.#cut;
    if (cut === undefined || cut.at !== this.#nor.operationCount + 1) return;
    this.#cut = undefined;
    const { moment, programTear, eraseTear, seed = 0 } = cut;
    const variant = (operation.kind === "erase" ? eraseTear : programTear) ?? "untouched";
    this.#nor.cutPowerAt({ operation: 1, moment, seed, ...(moment === "during" && { variant }) });
  }
}
