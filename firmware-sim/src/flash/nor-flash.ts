import { createRandom } from "../simulation/random.ts";
import { assertCutPlan, chooseTear } from "./cut-plan.ts";
import type { FlashReader } from "./flash-reader.ts";
import { type FlashViolation, FlashViolations } from "./flash-violations.ts";
import { type CutPlan, PowerCut } from "./power-cut.ts";
import { SECTOR_SIZE, SectorStore } from "./sector-store.ts";
import { ERASE_TEARS, PROGRAM_TEARS, type Tear } from "./tears.ts";
import { WeakCells } from "./weak-cells.ts";

/** Size of a program page in bytes: one program command stays within one page. */
export const PAGE_SIZE = 256;

/** The largest flash that ESP-IDF's image header can name: 128 MiB. */
export const FLASH_SIZE_MAX: number = 128 * 1024 * 1024;

/** How long operations take, in milliseconds. */
export interface FlashTiming {
  readonly eraseSectorMs: number;
  readonly programPageMs: number;
}

/** Typical times of the Winbond W25Q32/64 class, from their data sheets. */
export const TYPICAL_FLASH_TIMING: FlashTiming = { eraseSectorMs: 45, programPageMs: 0.7 };

/** What a flash has done so far. */
export interface FlashCounters {
  readonly reads: number;
  readonly pagePrograms: number;
  readonly sectorErases: number;
  readonly bytesRead: number;
  readonly bytesProgrammed: number;
}

interface ArmedCut {
  readonly plan: CutPlan;
  /** The value of `operationCount` that the operation hit will have. */
  readonly operation: number;
}

interface Operation {
  readonly tears: readonly Tear[];
  readonly sectorIndex: number;
  /** Where in the sector the cells begin, and how many there are. */
  readonly offset: number;
  readonly length: number;
  readonly durationMs: number;
  /** What the cells are once the operation is done. */
  done(before: Uint8Array): Uint8Array;
  /** Does it all. */
  carryOut(): void;
}

/**
 * A serial NOR flash as on an ESP32 module: an erase sets the 4096 bytes of a sector to 0xFF, a program can only clear
 * bits, and power can go before, inside or after each of these operations.
 *
 * Sectors are copied on write: {@link NorFlash.snapshot} and blank sectors cost next to nothing.
 */
export class NorFlash implements FlashReader {
  readonly sizeBytes: number;
  readonly timing: FlashTiming;
  #store: SectorStore;
  #weak: WeakCells = new WeakCells();
  #wear: Uint32Array;
  #counters = { reads: 0, pagePrograms: 0, sectorErases: 0, bytesRead: 0, bytesProgrammed: 0 };
  #busyMs = 0;
  #violations: FlashViolations = new FlashViolations();
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
    this.#store = new SectorStore(new Array(sizeBytes / SECTOR_SIZE).fill(undefined));
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

  /**
   * Clears the bits that are 0 in `bytes`, page by page: each page touched is one operation.
   *
   * @returns False, with nothing done, if the range crosses the end of the flash.
   * @throws {@link PowerCut} while power is off, or where an armed cut falls.
   */
  program(offset: number, bytes: Uint8Array): boolean {
    if (!this.#admit("program", offset, bytes.length)) return false;
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(bytes.length - done, PAGE_SIZE - ((offset + done) % PAGE_SIZE));
      this.#programPage(offset + done, bytes.subarray(done, done + length));
      done += length;
    }
    return true;
  }

  /**
   * Sets the 4096 bytes of the sector at `offset` to 0xFF: one operation.
   *
   * @returns False, with nothing done, off a sector border or beyond the end.
   * @throws {@link PowerCut} while power is off, or where an armed cut falls.
   */
  eraseSector(offset: number): boolean {
    return this.eraseRange(offset, SECTOR_SIZE);
  }

  /** Erases whole sectors in ascending order, one operation each. Otherwise as {@link eraseSector}. */
  eraseRange(offset: number, length: number): boolean {
    if (!this.#admit("erase", offset, length)) return false;
    if (offset % SECTOR_SIZE !== 0 || length % SECTOR_SIZE !== 0) {
      const range = `${length} bytes at 0x${offset.toString(16)}`;
      this.#violations.add({
        kind: "erase-unaligned",
        offset,
        detail: `erase of ${range} is not of whole 4096-byte sectors`,
      });
      return false;
    }
    for (let sector = offset / SECTOR_SIZE; sector < (offset + length) / SECTOR_SIZE; sector++)
      this.#eraseSector(sector);
    return true;
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
    this.#weak.onPowerOn();
  }

  /**
   * An independent flash in the same state: cells, weak cells, wear, counters and whether it has power; an armed cut
   * stays here. Costs a few kilobytes; each sector changed later on either side costs its 4 KiB.
   */
  snapshot(): NorFlash {
    const copy = new NorFlash(this.sizeBytes, this.timing);
    copy.#store = this.#store.fork();
    copy.#weak = this.#weak.fork();
    copy.#wear = this.#wear.slice();
    copy.#counters = { ...this.#counters };
    copy.#busyMs = this.#busyMs;
    copy.#violations = this.#violations.copy();
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
    this.#store.copyIn(offset, bytes);
    const lastSector = Math.floor((offset + bytes.length - 1) / SECTOR_SIZE);
    for (let sector = Math.floor(offset / SECTOR_SIZE); sector <= lastSector; sector++) this.#weak.onErase(sector);
  }

  /** What the cells hold, whatever a fault shows. Not counted, and possible without power: the eye of the test. */
  truth(offset: number, length: number): Uint8Array {
    this.#assertWithin(offset, length);
    return this.#store.copyOut(offset, length);
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
      const seen = this.#seen(sectorIndex).subarray(within, Math.min(SECTOR_SIZE, within + length - done));
      visit(seen, offset + done);
      done += seen.length;
    }
  }

  /** What a read sees of a sector: its cells, with weak ones flipped once they have given way. */
  #seen(sectorIndex: number): Uint8Array {
    const cells = this.#store.read(sectorIndex);
    if (this.#weak.isEmpty) return cells;
    const flipped = this.#weak.onRead(sectorIndex);
    return flipped === undefined ? cells : cells.map((byte, index) => byte ^ (flipped[index] ?? 0));
  }

  #programPage(offset: number, bytes: Uint8Array): void {
    const sectorIndex = Math.floor(offset / SECTOR_SIZE);
    const within = offset % SECTOR_SIZE;
    // Nearly all programs go to erased pages: a delivery passes every byte of its image through here.
    const isErased = this.#store.isErased(sectorIndex, within, bytes.length);
    if (!isErased) this.#reportProgramWithoutErase(offset, bytes);
    this.#operate({
      tears: PROGRAM_TEARS,
      sectorIndex,
      offset: within,
      length: bytes.length,
      durationMs: this.timing.programPageMs,
      done: (before) => before.map((byte, index) => byte & (bytes[index] ?? 0)),
      carryOut: () => {
        const cells = this.#store.write(sectorIndex);
        if (isErased) cells.set(bytes, within);
        else for (const [index, byte] of bytes.entries()) cells[within + index] = (cells[within + index] ?? 0) & byte;
        this.#weak.onProgram(sectorIndex, within, bytes);
      },
    });
    this.#counters.bytesProgrammed += bytes.length;
  }

  #eraseSector(sectorIndex: number): void {
    this.#operate({
      tears: ERASE_TEARS,
      sectorIndex,
      offset: 0,
      length: SECTOR_SIZE,
      durationMs: this.timing.eraseSectorMs,
      done: (before) => before.slice().fill(0xff),
      carryOut: () => {
        this.#store.blank(sectorIndex);
        this.#weak.onErase(sectorIndex);
      },
    });
  }

  /** One page program or sector erase: counted, and cut where a cut is armed for it. */
  #operate(operation: Operation): void {
    const isErase = operation.tears === ERASE_TEARS;
    const armed = this.#armed;
    const cut = armed !== undefined && armed.operation === this.operationCount + 1 ? armed : undefined;
    if (cut?.plan.moment === "before") throw this.#powerOff(cut);
    // Resolved first: a tear that doesn't fit the operation must not leave it half counted.
    const tear = cut?.plan.moment === "during" ? chooseTear(operation.tears, cut.plan) : undefined;

    this.#counters[isErase ? "sectorErases" : "pagePrograms"]++;
    this.#busyMs += operation.durationMs;
    if (isErase) this.#wear[operation.sectorIndex] = this.wear(operation.sectorIndex) + 1;
    if (tear === undefined) operation.carryOut();
    else this.#tear(operation, tear, cut?.plan.seed ?? 0);
    if (cut !== undefined) throw this.#powerOff(cut, tear);
  }

  #tear(operation: Operation, tear: Tear, seed: number): void {
    const { sectorIndex, offset, length } = operation;
    const before = this.#store.read(sectorIndex).slice(offset, offset + length);
    const torn = tear.apply(before, operation.done(before), createRandom(seed));
    if (operation.tears === ERASE_TEARS && tear.name !== "untouched") this.#weak.onErase(sectorIndex);
    this.#store.write(sectorIndex).set(torn.cells, offset);
    if (torn.weak !== undefined) this.#weak.add(sectorIndex, offset, torn.weak, seed);
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
    const end = `the flash ends at 0x${this.sizeBytes.toString(16)}`;
    const detail = `${access} of ${length} bytes at 0x${offset.toString(16)}; ${end}`;
    this.#violations.add({ kind: "out-of-bounds", offset, detail });
    return false;
  }

  #reportProgramWithoutErase(offset: number, bytes: Uint8Array): void {
    const cells = this.#store.read(Math.floor(offset / SECTOR_SIZE));
    const within = offset % SECTOR_SIZE;
    const bad = bytes.findIndex((byte, index) => (byte & ~(cells[within + index] ?? 0)) !== 0);
    if (bad === -1) return;
    const [held, wanted] = [cells[within + bad] ?? 0, bytes[bad] ?? 0].map((byte) => `0x${byte.toString(16)}`);
    const detail = `program of ${wanted} at 0x${(offset + bad).toString(16)} over ${held} needs an erase first`;
    this.#violations.add({ kind: "program-without-erase", offset: offset + bad, detail });
  }

  #assertWithin(offset: number, length: number): void {
    if (isWithin(offset, length, this.sizeBytes)) return;
    throw new RangeError(`${length} bytes at ${offset} do not lie within a flash of ${this.sizeBytes} bytes`);
  }
}

function isWithin(offset: number, length: number, sizeBytes: number): boolean {
  return Number.isInteger(offset) && offset >= 0 && length >= 0 && length <= sizeBytes - offset;
}
