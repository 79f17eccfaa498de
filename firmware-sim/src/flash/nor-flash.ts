import type { ContentCache } from "./content-cache.ts";
import { assertCutPlan, chooseTear } from "./cut-plan.ts";
import { type CellOperation, FlashCells } from "./flash-cells.ts";
import { type FlashCounters, type FlashTiming, TYPICAL_FLASH_TIMING } from "./flash-counters.ts";
import { type FlashFault, FlashFaults } from "./flash-fault.ts";
import type { FlashAccess, FlashReader } from "./flash-reader.ts";
import {
  eraseUnaligned,
  type FlashViolation,
  FlashViolations,
  outOfBounds,
  programWithoutErase,
} from "./flash-violations.ts";
import { type CutPlan, PowerCut } from "./power-cut.ts";
import { SECTOR_SIZE } from "./sector-store.ts";
import type { Tear } from "./tears.ts";

/** Size of a program page in bytes: one program command stays within one page. */
export const PAGE_SIZE = 256;

/** The largest flash that ESP-IDF's image header can name: 128 MiB. */
export const FLASH_SIZE_MAX: number = 128 * 1024 * 1024;

/** A page program or sector erase, as a watcher sees it. */
export interface WatchedOperation {
  readonly kind: "erase" | "program";
  /** Where it begins, in bytes of the flash. */
  readonly offset: number;
  /** What is programmed, within one page: a view for the moment. `undefined` for an erase. */
  readonly bytes: Uint8Array | undefined;
}

interface ArmedCut {
  readonly plan: CutPlan;
  /** The value of `operationCount` that the operation hit will have. */
  readonly operation: number;
}

/**
 * A serial NOR flash as on an ESP32 module: an erase sets the 4096 bytes of a sector to 0xFF, a program can only clear
 * bits, and power can go before, inside or after each of these operations.
 *
 * Sectors are copied on write: {@link NorFlash.snapshot} and blank sectors cost next to nothing.
 */
export class NorFlash implements FlashAccess {
  readonly sizeBytes: number;
  readonly timing: FlashTiming;
  #cells: FlashCells;
  #wear: Uint32Array;
  #counters = { reads: 0, pagePrograms: 0, sectorErases: 0, bytesRead: 0, bytesProgrammed: 0 };
  #busyMs = 0;
  #violations: FlashViolations = new FlashViolations();
  #cache: ContentCache | undefined;
  #watcher: ((operation: WatchedOperation) => void) | undefined;
  #mirror: ((offset: number, cells: Uint8Array) => void) | undefined;
  #armed: ArmedCut | undefined;
  #cut: PowerCut | undefined;

  /**
   * A blank flash.
   *
   * @param sizeBytes - A power of two from 1 MiB to {@link FLASH_SIZE_MAX}, as flash chips have it.
   * @param timing - What `busyMs` adds up.
   */
  constructor(sizeBytes: number, timing: FlashTiming = TYPICAL_FLASH_TIMING) {
    if (!(Number.isInteger(Math.log2(sizeBytes)) && sizeBytes >= 2 ** 20 && sizeBytes <= FLASH_SIZE_MAX)) {
      throw new RangeError(`a flash of ${sizeBytes} bytes; it must be a power of two from 1 MiB to 128 MiB`);
    }
    this.sizeBytes = sizeBytes;
    this.timing = timing;
    this.#cells = FlashCells.blank(sizeBytes / SECTOR_SIZE);
    this.#wear = new Uint32Array(sizeBytes / SECTOR_SIZE);
  }

  /** Page programs and sector erases so far: the clock by which power cuts are placed. */
  get operationCount(): number {
    return this.#counters.pagePrograms + this.#counters.sectorErases;
  }

  get counters(): FlashCounters {
    return { ...this.#counters };
  }

  /** How long the flash has been busy with programs and erases, in milliseconds of virtual time. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** The first rules broken, in order; see {@link violationCount}. */
  get violations(): readonly FlashViolation[] {
    return this.#violations.kept;
  }

  get violationCount(): number {
    return this.#violations.count;
  }

  get isPowered(): boolean {
    return this.#cut === undefined;
  }

  /** How often a sector was erased. */
  wear(sectorIndex: number): number {
    return this.#wear[sectorIndex] ?? 0;
  }

  read(offset: number, length: number): Uint8Array {
    if (!this.#admit("read", offset, length)) return new Uint8Array(0);
    const bytes = new Uint8Array(length);
    this.#visit(offset, length, (part, partOffset) => bytes.set(part, partOffset - offset));
    return bytes;
  }

  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean {
    if (!this.#admit("read", offset, length)) return false;
    this.#visit(offset, length, visit);
    return true;
  }

  /** Computes anew unless {@link rememberIn} said where to look. A result found there counts as no read. */
  remember<Result>(key: string, compute: (flash: FlashReader) => Result): Result {
    if (this.#cut !== undefined) throw this.#cut;
    return this.#cache === undefined ? compute(this) : this.#cache.remember(key, this, compute);
  }

  /** Where {@link remember} keeps its results from now on: shared with every snapshot made later. */
  rememberIn(cache: ContentCache): void {
    this.#cache = cache;
  }

  /**
   * An object that stands for what a sector holds: as long as somebody keeps it, a sector that gives the same object, in
   * this flash or in any snapshot, reads the same.
   *
   * @returns `undefined` where reads may differ from the cells, by weak cells or a fault.
   */
  sectorIdentity(sectorIndex: number): object | undefined {
    return this.#cells.identity(sectorIndex);
  }

  /** Has somebody told of each operation, before it is carried out. A snapshot is watched by nobody. */
  watch(watcher: ((operation: WatchedOperation) => void) | undefined): void {
    this.#watcher = watcher;
  }

  /**
   * Has somebody told of the cells that each operation touched, as it left them, torn or whole, before the software goes
   * on or loses its power. A snapshot has no mirror.
   *
   * @param mirror - Gets where the cells begin, in bytes of the flash, and a view of them for the moment.
   */
  mirror(mirror: ((offset: number, cells: Uint8Array) => void) | undefined): void {
    this.#mirror = mirror;
  }

  /**
   * Clears the bits that are 0 in `bytes`, page by page: each page touched is one operation.
   *
   * @returns False, with nothing done, if the range crosses the end of the flash; false, with the pages before it done,
   *   where a fault makes a page fail.
   * @throws {@link PowerCut} while power is off, or where an armed cut falls.
   */
  program(offset: number, bytes: Uint8Array): boolean {
    if (!this.#admit("program", offset, bytes.length)) return false;
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      if (left >= SECTOR_SIZE && this.#programBlankSector(offset + done, bytes.subarray(done, done + SECTOR_SIZE))) {
        done += SECTOR_SIZE;
        continue;
      }
      const length = Math.min(left, PAGE_SIZE - ((offset + done) % PAGE_SIZE));
      if (!this.#programPage(offset + done, bytes.subarray(done, done + length))) return false;
      done += length;
    }
    return true;
  }

  /**
   * Sets the 4096 bytes of the sector at `offset` to 0xFF: one operation.
   *
   * @returns False, with nothing done, off a sector border, beyond the end, or where a fault makes the erase fail.
   * @throws {@link PowerCut} while power is off, or where an armed cut falls.
   */
  eraseSector(offset: number): boolean {
    return this.eraseRange(offset, SECTOR_SIZE);
  }

  /** Erases whole sectors in ascending order, one operation each. Otherwise as {@link eraseSector}. */
  eraseRange(offset: number, length: number): boolean {
    if (!this.#admit("erase", offset, length)) return false;
    if (offset % SECTOR_SIZE !== 0 || length % SECTOR_SIZE !== 0) {
      this.#violations.add(eraseUnaligned(offset, length));
      return false;
    }
    for (let sector = offset / SECTOR_SIZE; sector < (offset + length) / SECTOR_SIZE; sector++) {
      if (!this.#eraseSector(sector)) return false;
    }
    return true;
  }

  /** Takes down a rule broken above the chip, such as in its encryption. */
  reportViolation(violation: FlashViolation): void {
    this.#violations.add(violation);
  }

  /** Gives the flash faults, instead of those it had. Sectors count from now. */
  setFaults(faults: readonly FlashFault[]): void {
    this.#cells.faults = new FlashFaults(faults);
  }

  /**
   * Arms a power cut, instead of one armed before.
   *
   * @throws {@link OtaError} `simulation/invalid-fault` if the operation isn't 1 or more or no tear has the name.
   */
  cutPowerAt(plan: CutPlan): void {
    assertCutPlan(plan);
    this.#armed = { plan, operation: this.operationCount + plan.operation };
  }

  /** Takes back an armed cut that has not fallen. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** Gives power back after a cut. Cells keep what the cut left. */
  powerOn(): void {
    this.#cut = undefined;
    this.#cells.powerOn();
  }

  /**
   * An independent flash in the same state: cells, weak cells, faults, wear, counters and whether it has power; an armed cut
   * stays here. Costs a few kilobytes; each sector changed later on either side costs its 4 KiB.
   */
  snapshot(): NorFlash {
    const copy = new NorFlash(this.sizeBytes, this.timing);
    copy.#cells = this.#cells.fork();
    copy.#wear = this.#wear.slice();
    copy.#counters = { ...this.#counters };
    copy.#busyMs = this.#busyMs;
    copy.#violations = this.#violations.copy();
    copy.#cache = this.#cache;
    copy.#cut = this.#cut;
    return copy;
  }

  /**
   * Puts bytes into the cells as a factory programmer does before the chip is soldered: without erase, wear or counts.
   *
   * @throws RangeError if they cross the end: whoever builds a flash knows its size.
   */
  load(offset: number, bytes: Uint8Array): void {
    this.#assertWithin(offset, bytes.length);
    this.#cells.load(offset, bytes);
  }

  /** What the cells hold, whatever a fault shows. Not counted, and possible without power: the eye of the test. */
  truth(offset: number, length: number): Uint8Array {
    this.#assertWithin(offset, length);
    return this.#cells.truth(offset, length);
  }

  /** The truth of the whole flash, as `esptool read-flash` would write it to a file. */
  dump(): Uint8Array {
    return this.truth(0, this.sizeBytes);
  }

  /** Visits a range that lies within the flash, and counts the read. */
  #visit(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): void {
    this.#counters.reads++;
    this.#counters.bytesRead += length;
    for (let done = 0; done < length; ) {
      const sectorIndex = Math.floor((offset + done) / SECTOR_SIZE);
      const within = (offset + done) % SECTOR_SIZE;
      const seen = this.#cells.seen(sectorIndex).subarray(within, Math.min(SECTOR_SIZE, within + length - done));
      visit(seen, offset + done);
      done += seen.length;
    }
  }

  /**
   * Programs a whole blank sector in one step, where nothing can come in between and nobody looks: nearly every byte of
   * a delivery passes through here. Counts as the page programs that it stands for.
   *
   * @returns False, with nothing done, where it takes one page at a time.
   */
  #programBlankSector(offset: number, bytes: Uint8Array): boolean {
    const isWatched = this.#watcher !== undefined || this.#mirror !== undefined;
    if (isWatched || this.#armed !== undefined || offset % SECTOR_SIZE !== 0) return false;
    if (!this.#cells.programBlank(offset / SECTOR_SIZE, bytes)) return false;
    const pages = SECTOR_SIZE / PAGE_SIZE;
    this.#counters.pagePrograms += pages;
    this.#counters.bytesProgrammed += SECTOR_SIZE;
    this.#busyMs += pages * this.timing.programPageMs;
    return true;
  }

  #programPage(offset: number, bytes: Uint8Array): boolean {
    const sectorIndex = Math.floor(offset / SECTOR_SIZE);
    const operation = {
      kind: "program",
      sectorIndex,
      offset: offset % SECTOR_SIZE,
      length: bytes.length,
      bytes,
    } as const;
    const violation = programWithoutErase(offset, this.#cells.held(operation), bytes);
    if (violation !== undefined) this.#violations.add(violation);
    const isDone = this.#operate(operation);
    if (isDone) this.#counters.bytesProgrammed += bytes.length;
    return isDone;
  }

  #eraseSector(sectorIndex: number): boolean {
    return this.#operate({ kind: "erase", sectorIndex, offset: 0, length: SECTOR_SIZE });
  }

  /** One page program or sector erase: counted, and cut where a cut is armed for it. @returns False if it failed. */
  #operate(operation: CellOperation): boolean {
    const { kind, sectorIndex } = operation;
    const offset = sectorIndex * SECTOR_SIZE + operation.offset;
    this.#watcher?.({ kind, offset, bytes: kind === "program" ? operation.bytes : undefined });
    const armed = this.#armed;
    const cut = armed !== undefined && armed.operation === this.operationCount + 1 ? armed : undefined;
    if (cut?.plan.moment === "before") throw this.#powerOff(cut);
    // Resolved first: a tear that doesn't fit the operation must not leave it half counted.
    const tear = cut?.plan.moment === "during" ? chooseTear(kind, cut.plan) : undefined;
    this.#count(kind, sectorIndex);
    const isDone = this.#cells.carryOut(operation, tear, cut?.plan.seed ?? 0);
    this.#mirror?.(offset, this.#cells.held(operation));
    if (cut !== undefined) throw this.#powerOff(cut, tear);
    return isDone;
  }

  #count(kind: CellOperation["kind"], sectorIndex: number): void {
    if (kind === "program") {
      this.#counters.pagePrograms++;
      this.#busyMs += this.timing.programPageMs;
      return;
    }
    this.#counters.sectorErases++;
    this.#busyMs += this.timing.eraseSectorMs;
    this.#wear[sectorIndex] = this.wear(sectorIndex) + 1;
  }

  #powerOff(cut: ArmedCut, tear?: Tear): PowerCut {
    this.#armed = undefined;
    this.#cut = new PowerCut(cut.operation, cut.plan.moment, tear?.name);
    return this.#cut;
  }

  /** Whether an access may go on: power is on, and it lies within the flash. */
  #admit(access: "read" | "program" | "erase", offset: number, length: number): boolean {
    if (this.#cut !== undefined) throw this.#cut;
    if (isWithin(offset, length, this.sizeBytes)) return true;
    this.#violations.add(outOfBounds(access, offset, length, this.sizeBytes));
    return false;
  }

  #assertWithin(offset: number, length: number): void {
    if (isWithin(offset, length, this.sizeBytes)) return;
    throw new RangeError(`${length} bytes at ${offset} do not lie within a flash of ${this.sizeBytes} bytes`);
  }
}

function isWithin(offset: number, length: number, sizeBytes: number): boolean {
  return Number.isInteger(offset) && offset >= 0 && length >= 0 && length <= sizeBytes - offset;
}
