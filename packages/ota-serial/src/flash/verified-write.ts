import { equalBytes, OtaError } from "@tinybms/ota-core";
import { blockSizeMax } from "../line/serial-line.ts";
import { isDisturbance } from "../loader/disturbance.ts";
import type { LoaderLink } from "../loader/loader-link.ts";
import type { StubSession } from "../loader/stub-session.ts";
import type { FlashProgress, WriteReport } from "./flash-progress.ts";
import type { KeptRanges } from "./kept-ranges.ts";
import {
  bytesOf,
  type FlashPart,
  type FlashRegion,
  md5Of,
  REGION_SIZE,
  regionsOf,
  runsOf,
  SECTOR_SIZE,
  sectorsOf,
  sizeOf,
} from "./regions.ts";
import { flashMd5, writeCompressed } from "./stub-flash.ts";

/** Amounts to send at once, in bytes. */
interface Pace {
  readonly blockSize: number;
  readonly runSize: number;
}

const FAST: Pace = { blockSize: 0x4000, runSize: Number.POSITIVE_INFINITY };
const CAREFUL: Pace = { blockSize: 0x1000, runSize: REGION_SIZE };

/** Receives progress reports. */
export type OnFlashProgress = (progress: FlashProgress) => void;

/** Writes the regions in which the flash differs from the content, until the board's MD5 of each one matches. */
export class VerifiedWrite {
  readonly #session: StubSession;
  readonly #kept: KeptRanges;
  readonly #onProgress: OnFlashProgress;

  constructor(session: StubSession, kept: KeptRanges, onProgress: OnFlashProgress) {
    this.#session = session;
    this.#kept = kept;
    this.#onProgress = onProgress;
  }

  /**
   * Writes parts: first fast, then in small pieces, then sector by sector.
   *
   * @throws {@link OtaError} `serial/write-failed`, `serial/does-not-fit`, `serial/port-lost`.
   */
  async write(parts: readonly FlashPart[]): Promise<WriteReport> {
    for (const part of parts) this.#assertInside(part);
    const sorted = [...parts].sort((left, right) => left.offset - right.offset);
    const regions = regionsOf(sorted);
    const total = sizeOf(regions);
    let pending = await this.#differing(regions, "compare");
    const toWrite = sizeOf(pending);
    for (const pace of [FAST, CAREFUL]) {
      if (pending.length === 0) break;
      const done = toWrite - sizeOf(pending);
      const report = (count: number) => this.#onProgress({ step: "write", done: done + count, total: toWrite });
      const isWritten = await this.#writeAll(pending, pace, report);
      pending = await this.#verify(pending, isWritten);
      if (pending.length > 0) await this.#session.stepDown();
    }
    await this.#kept.watch();
    await this.#writeSectors(pending, (done) =>
      this.#onProgress({ step: "write", done: toWrite - done, total: toWrite }),
    );
    return { written: toWrite, unchanged: total - toWrite };
  }

  /** @returns `true` if no answer was lost or corrupted. */
  async #writeAll(
    pending: readonly FlashRegion[],
    { blockSize, runSize }: Pace,
    onDone: (done: number) => void,
  ): Promise<boolean> {
    let written = 0;
    let isWhole = true;
    for (const run of runsOf(pending, runSize)) {
      const base = written;
      written += sizeOf(run);
      await this.#kept.watch();
      try {
        const offset = run[0]?.offset ?? 0;
        const size = Math.min(blockSize, blockSizeMax(this.#session.link.line));
        await writeCompressed(this.#session.link, offset, bytesOf(run), size, (done) => onDone(base + done));
      } catch (cause) {
        if (!isDisturbance(cause)) throw cause;
        isWhole = false;
        await this.#session.recover();
      }
    }
    return isWhole;
  }

  /** Writes each sector as one block until the board has it, for a line that corrupts most larger blocks. */
  async #writeSectors(pending: readonly FlashRegion[], onLeft: (left: number) => void): Promise<void> {
    const sectors = sectorsOf(pending);
    let left = sizeOf(sectors);
    for (const sector of sectors) {
      const write = async (link: LoaderLink): Promise<void> => {
        const isThere = async (): Promise<boolean> =>
          equalBytes(await flashMd5(link, sector.offset, sector.bytes.length), sector.md5);
        if (await isThere()) return;
        const size = Math.min(2 * SECTOR_SIZE, blockSizeMax(link.line));
        await writeCompressed(link, sector.offset, sector.bytes, size, () => undefined);
        if (!(await isThere())) throw link.silence("SPI_FLASH_MD5");
      };
      try {
        await this.#session.withRetries(write);
      } catch (cause) {
        throw isDisturbance(cause) ? this.#writeFailed(sector.offset, cause) : cause;
      }
      left -= sector.bytes.length;
      onLeft(left);
    }
  }

  /** @returns The regions in which the board's flash differs. */
  async #verify(regions: readonly FlashRegion[], isLikelyRight: boolean): Promise<readonly FlashRegion[]> {
    if (!isLikelyRight) return this.#differing(regions, "verify");
    const wrong: FlashRegion[] = [];
    const total = sizeOf(regions);
    let done = 0;
    // One MD5 for each run: nearly always the run is correct.
    for (const run of runsOf(regions, Number.POSITIVE_INFINITY)) {
      const size = sizeOf(run);
      const found = await this.#session.withRetries((link) => flashMd5(link, run[0]?.offset ?? 0, size));
      if (!equalBytes(found, md5Of(run))) wrong.push(...(await this.#differing(run, "verify")));
      done += size;
      this.#onProgress({ step: "verify", done, total });
    }
    return wrong;
  }

  async #differing(regions: readonly FlashRegion[], step: "compare" | "verify"): Promise<readonly FlashRegion[]> {
    const different: FlashRegion[] = [];
    const total = sizeOf(regions);
    let done = 0;
    for (const region of regions) {
      const found = await this.#session.withRetries((link) => flashMd5(link, region.offset, region.bytes.length));
      if (!equalBytes(found, region.md5)) different.push(region);
      done += region.bytes.length;
      this.#onProgress({ step, done, total });
    }
    return different;
  }

  get #port(): string {
    return this.#session.link.line.port;
  }

  #assertInside({ name, offset, bytes }: FlashPart): void {
    const limit = this.#session.board.flashSize;
    if (offset % SECTOR_SIZE !== 0) {
      const message = `${name} begins at 0x${offset.toString(16)}; it must begin at a multiple of 0x1000`;
      throw new OtaError("serial/does-not-fit", message, { port: this.#port, part: name, size: bytes.length, limit });
    }
    if (offset + bytes.length <= limit) return;
    const message = `${name} ends at 0x${(offset + bytes.length).toString(16)}, past the end of the flash of the board on ${this.#port}, which has ${limit} bytes`;
    throw new OtaError("serial/does-not-fit", message, { port: this.#port, part: name, size: bytes.length, limit });
  }

  #writeFailed(offset: number, cause: unknown): OtaError<"serial/write-failed"> {
    const message = `writing failed repeatedly: the flash of the board on ${this.#port} differs from what was sent, from 0x${offset.toString(16)} on`;
    const hint =
      "try --baud 115200, a shorter cable or a separate power supply; if nothing helps, the flash chip is worn out or write-protected";
    return new OtaError("serial/write-failed", message, { port: this.#port, offset }, { cause, hint });
  }
}
