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
import { SectorWear } from "./sector-wear.ts";
import type { Tear } from "./tears.ts";

/** Size of a program page in bytes: one program command stays within one page. */
export const PAGE_SIZE = 256;

/** Size of the largest flash that ESP-IDF's image header can name, in bytes: 128 MiB. */
export const FLASH_SIZE_MAX: number = 128 * 1024 * 1024;

/** A page program or sector erase, as {@link NorFlash.watch} reports it. */
export interface WatchedOperation {
  readonly kind: "erase" | "program";
  /** First byte, counted from the start of the flash. */
  readonly offset: number;
  /** Bytes to program, within one page. Valid only during the call; `undefined` for an erase. */
  readonly bytes: Uint8Array | undefined;
}

interface ArmedCut {
  readonly plan: CutPlan;
  /** Value that `operationCount` will have after the operation that is hit. */
  readonly operation: number;
}

/**
 * Simulates a serial NOR flash as on an ESP32 module. An erase sets the 4096 bytes of a sector to 0xFF, a program can
 * only clear bits, and power can fail before, during or after each of these operations.
 *
 * Sectors are copied on write, so {@link NorFlash.snapshot} and blank sectors cost very little.
 */
export class NorFlash implements FlashAccess {
  readonly sizeBytes: number;
  readonly timing: FlashTiming;
  #cells: FlashCells;
  #wear: SectorWear;
  #counters = { reads: 0, pagePrograms: 0, sectorErases: 0, bytesRead: 0, bytesProgrammed: 0 };
  #busyMs = 0;
  #violations: FlashViolations = new FlashViolations();
  #cache: ContentCache | undefined;
  #watcher: ((operation: WatchedOperation) => void) | undefined;
  #mirror: ((offset: number, cells: Uint8Array) => void) | undefined;
  #armed: ArmedCut | undefined;
  #cut: PowerCut | undefined;

  /**
   * Creates a blank flash.
   *
   * @param sizeBytes - A power of two from 1 MiB to {@link FLASH_SIZE_MAX}.
   * @param timing - Duration of each operation, summed up in `busyMs`.
   * @defaultValue `timing`: {@link TYPICAL_FLASH_TIMING}
   * @throws RangeError if the size is not such a power of two.
   */
  constructor(sizeBytes: number, timing: FlashTiming = TYPICAL_FLASH_TIMING) {
    if (!(Number.isInteger(Math.log2(sizeBytes)) && sizeBytes >= 2 ** 20 && sizeBytes <= FLASH_SIZE_MAX)) {
      throw new RangeError(
        `a flash can't have ${sizeBytes} bytes; its size must be a power of two from 1 MiB to 128 MiB`,
      );
    }
    this.sizeBytes = sizeBytes;
    this.timing = timing;
    this.#cells = FlashCells.blank(sizeBytes / SECTOR_SIZE);
    this.#wear = new SectorWear(sizeBytes / SECTOR_SIZE);
  }

  /** Page programs and sector erases so far. Power cuts are placed by this count. */
  get operationCount(): number {
    return this.#counters.pagePrograms + this.#counters.sectorErases;
  }

  get counters(): FlashCounters {
    return { ...this.#counters };
  }

  /** Time that programs and erases have taken so far, in milliseconds of virtual time. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** The first violations, in order. {@link violationCount} counts all of them. */
  get violations(): readonly FlashViolation[] {
    return this.#violations.kept;
  }

  get violationCount(): number {
    return this.#violations.count;
  }

  get isPowered(): boolean {
    return this.#cut === undefined;
  }

  /** Returns how often a sector was erased. */
  wear(sectorIndex: number): number {
    return this.#wear.of(sectorIndex);
  }

  read(offset: number, length: number): Uint8Array {
    if (!this.#admit("read", offset, length)) return new Uint8Array(0);
    const within = offset % SECTOR_SIZE;
    if (length > 0 && within + length <= SECTOR_SIZE) {
      this.#countRead(length);
      return this.#cells.seen((offset - within) / SECTOR_SIZE).slice(within, within + length);
    }
    const bytes = new Uint8Array(length);
    this.#visit(offset, length, (part, partOffset) => bytes.set(part, partOffset - offset));
    return bytes;
  }

  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean {
    if (!this.#admit("read", offset, length)) return false;
    this.#visit(offset, length, visit);
    return true;
  }

  /** Looks in the cache set by {@link rememberIn}, if any; a result found there does not count as a read. */
  remember<Result>(key: string, compute: (flash: FlashReader) => Result): Result {
    if (this.#cut !== undefined) throw this.#cut;
    return this.#cache === undefined ? compute(this) : this.#cache.remember(key, this, compute);
  }

  /** Sets the cache that {@link remember} uses, here and in all snapshots made later. */
  rememberIn(cache: ContentCache): void {
    this.#cache = cache;
  }

  /**
   * Returns an object that identifies the content of a sector. As long as the caller keeps it, any sector that gives the
   * same object, in this flash or in a snapshot, has the same content.
   *
   * @returns `undefined` if reads may differ from the cells because of weak cells or a fault.
   */
  sectorIdentity(sectorIndex: number): object | undefined {
    return this.#cells.identity(sectorIndex);
  }

  /**
   * Returns what {@link sectorIdentity} does, and mostly the same object also for equal sectors of other flashes. A write
   * that changes no byte may leave it as it was.
   */
  contentIdentity(sectorIndex: number): object | undefined {
    return this.#cells.contentIdentity(sectorIndex);
  }

  /** Calls `watcher` before each operation. Snapshots do not inherit the watcher. */
  watch(watcher: ((operation: WatchedOperation) => void) | undefined): void {
    this.#watcher = watcher;
  }

  /**
   * Calls `mirror` after each operation, complete or torn, before the software continues or loses its power. Snapshots do
   * not inherit the mirror.
   *
   * @param mirror - Receives the offset of the changed cells and a view of them that is valid only during the call.
   */
  mirror(mirror: ((offset: number, cells: Uint8Array) => void) | undefined): void {
    this.#mirror = mirror;
  }

  /**
   * Clears the bits that are 0 in `bytes`, page by page. Each page counts as one operation.
   *
   * @returns `false` if the range crosses the end of the flash (nothing is written) or if a fault makes a page fail (the
   *   pages before it are written).
   * @throws {@link PowerCut} while power is off, or when an armed cut hits.
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
   * Sets the 4096 bytes of the sector at `offset` to 0xFF, as one operation.
   *
   * @returns `false`, with nothing changed, if the offset is not the start of a sector or lies beyond the end, or if a
   *   fault makes the erase fail.
   * @throws {@link PowerCut} while power is off, or when an armed cut hits.
   */
  eraseSector(offset: number): boolean {
    return this.eraseRange(offset, SECTOR_SIZE);
  }

  /** Erases whole sectors in ascending order, one operation each. Fails as {@link eraseSector} does. */
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

  /** Records a violation found above the chip, such as in its encryption. */
  reportViolation(violation: FlashViolation): void {
    this.#violations.add(violation);
  }

  /** Replaces the faults of the flash. Uses of a sector are counted from now on. */
  setFaults(faults: readonly FlashFault[]): void {
    this.#cells.faults = new FlashFaults(faults);
  }

  /**
   * Arms a power cut. It replaces one that is armed already.
   *
   * @throws {@link OtaError} `simulation/invalid-fault` if the operation isn't 1 or more or no tear has the name.
   */
  cutPowerAt(plan: CutPlan): void {
    assertCutPlan(plan);
    this.#armed = { plan, operation: this.operationCount + plan.operation };
  }

  /** Cancels an armed cut. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** Restores power after a cut. Cells keep what the cut left. */
  powerOn(): void {
    this.#cut = undefined;
    this.#cells.powerOn();
  }

  /**
   * Returns an independent flash in the same state: cells, weak cells, faults, wear, counters and power. An armed cut is
   * not copied. Costs a few kilobytes, and 4 KiB for each sector that either side changes later.
   */
  snapshot(): NorFlash {
    const copy = new NorFlash(this.sizeBytes, this.timing);
    copy.#cells = this.#cells.fork();
    copy.#wear = this.#wear.copy();
    copy.#counters = { ...this.#counters };
    copy.#busyMs = this.#busyMs;
    copy.#violations = this.#violations.copy();
    copy.#cache = this.#cache;
    copy.#cut = this.#cut;
    return copy;
  }

  /**
   * Writes bytes into the cells as a factory programmer does before the chip is soldered: without erase, wear or counts.
   *
   * @throws RangeError if the bytes cross the end of the flash.
   */
  load(offset: number, bytes: Uint8Array): void {
    this.#assertWithin(offset, bytes.length);
    this.#cells.load(offset, bytes);
  }

  /** Returns what the cells hold, without read faults. Does not count as a read and works without power: for tests. */
  truth(offset: number, length: number): Uint8Array {
    this.#assertWithin(offset, length);
    return this.#cells.truth(offset, length);
  }

  /** Returns the cells of the whole flash, as `esptool read-flash` writes them to a file. */
  dump(): Uint8Array {
    return this.truth(0, this.sizeBytes);
  }

  /** Visits a range that lies within the flash, and counts the read. */
  #visit(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): void {
    this.#countRead(length);
    for (let done = 0; done < length; ) {
      const sectorIndex = Math.floor((offset + done) / SECTOR_SIZE);
      const within = (offset + done) % SECTOR_SIZE;
      const seen = this.#cells.seen(sectorIndex).subarray(within, Math.min(SECTOR_SIZE, within + length - done));
      visit(seen, offset + done);
      done += seen.length;
    }
  }

  #countRead(length: number): void {
    this.#counters.reads++;
    this.#counters.bytesRead += length;
  }

  /**
   * Programs a whole blank sector in one step if nothing can observe or interrupt it: nearly every byte of a delivery
   * passes through here. Counts as the page programs that it replaces.
   *
   * @returns `false`, with nothing written, if the sector must be programmed page by page.
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

  /** Carries out and counts one page program or sector erase; applies an armed cut. @returns `false` if it failed. */
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
    this.#wear.count(sectorIndex);
  }

  #powerOff(cut: ArmedCut, tear?: Tear): PowerCut {
    this.#armed = undefined;
    this.#cut = new PowerCut(cut.operation, cut.plan.moment, tear?.name);
    return this.#cut;
  }

  /**
   * Returns `true` if an access lies within the flash.
   * @throws {@link PowerCut} while power is off.
   */
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
