import type { NvsStorage } from "@tinybms/ota-core/esp";
import { NorFlash, type WatchedOperation } from "../../src/flash/nor-flash.ts";
import type { CutMoment } from "../../src/flash/power-cut.ts";

/** How the next cut tears, by name: the one or the other, whichever operation it hits. */
export interface NvsCut {
  /** 1 is the next page program or sector erase. */
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
  /** What was to be programmed; empty for an erase. */
  readonly bytes: Uint8Array;
}

/** Ways in which programs are torn here: all that leave no weak cells. */
export const PROGRAM_TEARS: readonly string[] = [
  "prefix-1",
  "prefix-half",
  "prefix-all-but-last",
  "suffix-half",
  "subset-10",
  "subset-50",
  "subset-90",
];

/** Ways in which erases are torn here: all that leave no weak cells. */
export const ERASE_TEARS: readonly string[] = [
  "zeroed-quarter",
  "zeroed-three-quarters",
  "all-zero",
  "freed-10",
  "mix-50",
];

/** Those of flash that programs in order and erases the header first: beyond that ESP-IDF's format has limits of its own. */
export const ORDERLY_TEARS: { readonly program: readonly string[]; readonly erase: readonly string[] } = {
  program: ["prefix-1", "prefix-half", "prefix-all-but-last"],
  erase: ["all-zero", "mix-50"],
};

/** An NVS partition at the beginning of a flash that has nothing else. */
export class NvsFlash implements NvsStorage {
  readonly sizeBytes: number;
  /** Operations since the flash or this copy of it was made, if one asks for them by setting an array. */
  trace: NvsOperation[] | undefined;
  /** The operation that was begun last. */
  lastOperation: NvsOperation | undefined;
  readonly #nor: NorFlash;
  readonly #operationsBefore: number;
  readonly #violationsBefore: number;
  readonly #readsBefore: number;
  #cut: (NvsCut & { readonly at: number }) | undefined;

  /** @param content - A size in bytes, for a blank partition; its bytes; or a flash to copy. */
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

  /** What the cells hold now. */
  get cells(): Uint8Array {
    return this.#nor.truth(0, this.sizeBytes);
  }

  /** Page programs and sector erases since the flash or this copy of it was made. */
  get operationCount(): number {
    return this.#nor.operationCount - this.#operationsBefore;
  }

  get readCount(): number {
    return this.#nor.counters.reads - this.#readsBefore;
  }

  /** Programs that needed a bit to go from 0 to 1, which flash doesn't do. */
  get lostBitCount(): number {
    return this.#nor.violationCount - this.#violationsBefore;
  }

  /** Puts bytes into the cells from outside. */
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
