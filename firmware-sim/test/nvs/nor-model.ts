import type { NvsStorage } from "@tinybms/ota-core";
import { createRandom, type Random } from "../../src/random/random.ts";

export const SECTOR_SIZE_BYTES = 4096;

/** One way in which power leaves a program or an erase half done. */
export interface Tear {
  readonly name: string;
  /** What the cells are left as; `done` is what they would have been. */
  apply(before: Uint8Array, done: Uint8Array, random: Random): Uint8Array;
}

/** Torn programs. Data sheets promise no order within a page, so subsets count as much as prefixes. */
export const PROGRAM_TEARS: readonly Tear[] = [
  { name: "first byte only", apply: (before, done) => spliced(done, before, 1) },
  { name: "first half", apply: (before, done) => spliced(done, before, done.length / 2) },
  { name: "all but the last byte", apply: (before, done) => spliced(done, before, done.length - 1) },
  { name: "second half", apply: (before, done) => spliced(before, done, done.length / 2) },
  { name: "a tenth of the bits", apply: (before, done, random) => subset(before, done, 0.1, random) },
  { name: "half of the bits", apply: (before, done, random) => subset(before, done, 0.5, random) },
  { name: "nine tenths of the bits", apply: (before, done, random) => subset(before, done, 0.9, random) },
];

/** Torn erases: zeroed from the end first, or any mix of old bits, zeros and ones. */
export const ERASE_TEARS: readonly Tear[] = [
  { name: "last quarter zeroed", apply: (before) => before.slice().fill(0, before.length * 0.75) },
  { name: "last three quarters zeroed", apply: (before) => before.slice().fill(0, before.length * 0.25) },
  { name: "all zeroed", apply: (before) => new Uint8Array(before.length) },
  {
    name: "a tenth of the bits freed",
    apply: (before, _done, random) => before.map((byte) => byte | bits(0.1, random)),
  },
  {
    name: "half of the bits freed, some zeroed",
    apply: (before, _done, random) => before.map((byte) => (byte & bits(0.5, random)) | bits(0.5, random)),
  },
];

/** Power is gone. */
export class PowerCut extends Error {
  override readonly name: string = "PowerCut";
}

/** The operation in which power goes: `during` leaves what the tear of the operation's kind leaves. */
export interface Cut {
  /** 1 is the next program or erase. */
  readonly operation: number;
  readonly moment: "before" | "during" | "after";
  readonly programTear?: Tear;
  readonly eraseTear?: Tear;
  readonly seed?: number;
}

/** A program or an erase. */
export interface FlashOperation {
  readonly kind: "program" | "erase";
  readonly offset: number;
  /** What was to be programmed; empty for an erase. */
  readonly bytes: Uint8Array;
}

/** NOR flash over a plain array: an erase sets a sector's bits, a program only clears bits, power may go in either. */
export class NorModel implements NvsStorage {
  readonly cells: Uint8Array;
  operationCount = 0;
  readCount = 0;
  /** Programs that needed a bit to go from 0 to 1, which flash doesn't do. */
  lostBitCount = 0;
  /** The operation that was cut, once it was. */
  cutOperation: FlashOperation | undefined;
  /** Every operation so far, if one asks for it by setting an array. */
  trace: FlashOperation[] | undefined;
  #cut: Cut | undefined;
  #cutAt = 0;

  constructor(content: number | Uint8Array) {
    this.cells = typeof content === "number" ? new Uint8Array(content).fill(0xff) : content.slice();
  }

  get sizeBytes(): number {
    return this.cells.length;
  }

  arm(cut: Cut): void {
    this.#cut = cut;
    this.#cutAt = this.operationCount + cut.operation;
    this.cutOperation = undefined;
  }

  disarm(): void {
    this.#cut = undefined;
  }

  read(offset: number, length: number): Uint8Array {
    this.readCount++;
    return this.cells.subarray(offset, offset + length);
  }

  program(offset: number, bytes: Uint8Array): void {
    const before = this.cells.slice(offset, offset + bytes.length);
    const done = before.map((byte, index) => byte & bytes[index]!);
    if (done.some((byte, index) => byte !== bytes[index])) this.lostBitCount++;
    this.#carryOut({ kind: "program", offset, bytes: bytes.slice() }, before, done);
  }

  eraseSector(offset: number): void {
    const before = this.cells.slice(offset, offset + SECTOR_SIZE_BYTES);
    const done = new Uint8Array(SECTOR_SIZE_BYTES).fill(0xff);
    this.#carryOut({ kind: "erase", offset, bytes: new Uint8Array(0) }, before, done);
  }

  #carryOut(operation: FlashOperation, before: Uint8Array, done: Uint8Array): void {
    this.operationCount++;
    this.trace?.push(operation);
    const cut = this.operationCount === this.#cutAt ? this.#cut : undefined;
    if (cut === undefined) {
      this.cells.set(done, operation.offset);
      return;
    }
    this.#cut = undefined;
    this.cutOperation = operation;
    const tear = operation.kind === "program" ? cut.programTear : cut.eraseTear;
    const random = createRandom(cut.seed ?? 0);
    if (cut.moment === "after") this.cells.set(done, operation.offset);
    if (cut.moment === "during")
      this.cells.set(tear === undefined ? before : tear.apply(before, done, random), operation.offset);
    throw new PowerCut(`power cut ${cut.moment} operation ${this.operationCount}`);
  }
}

function spliced(head: Uint8Array, rest: Uint8Array, length: number): Uint8Array {
  return head.map((byte, index) => (index < length ? byte : rest[index]!));
}

function subset(before: Uint8Array, done: Uint8Array, probability: number, random: Random): Uint8Array {
  return before.map((byte, index) => byte & (done[index]! | ~bits(probability, random)));
}

function bits(probability: number, random: Random): number {
  let byte = 0;
  for (let bit = 0; bit < 8; bit++) if (random.float() < probability) byte |= 1 << bit;
  return byte;
}
