import { buildLoaderRequest, equalBytes, isOtaError, LoaderOp, OtaError } from "@tinybms/ota-core";
import {
  type FlashPart,
  type FlashRegion,
  REGION_SIZE,
  regionsOf,
  runsOf,
  SECTOR_SIZE,
  sectorsOf,
} from "./flash/regions.ts";
import { md5Of } from "./flash/run-md5.ts";
import { eraseRegion, flashMd5, readFlash, writeCompressed } from "./flash/stub-flash.ts";
import { BAUD_RATE_DEFAULT, type SerialLine } from "./line/serial-line.ts";
import type { Board } from "./loader/board.ts";
import type { ConnectOptions } from "./loader/connect-loader.ts";
import { interruptible } from "./loader/interruptible.ts";
import { LoaderLink } from "./loader/loader-link.ts";
import { hardReset, runReset } from "./loader/reset-sequence.ts";
import { StubSession } from "./loader/stub-session.ts";

/** How a flasher connects. */
export interface FlasherOptions extends ConnectOptions {
  /** The rate to work at, up to 2 000 000; 921 600 without it. It steps down where a line can't keep it. */
  readonly baudRate?: number;
  /** Ends every step with its reason. */
  readonly signal?: AbortSignal;
  /** Told what a user should know meanwhile, as sentences. */
  readonly onNote?: (text: string) => void;
}

/** How far a step is, in bytes of the flash. */
export interface FlashProgress {
  readonly step: "compare" | "write" | "verify" | "read";
  readonly done: number;
  readonly total: number;
}

/** What a write came to, in bytes of the flash. */
export interface WriteReport {
  readonly written: number;
  /** Already there. */
  readonly unchanged: number;
}

/** How much is sent and asked for at once. Whatever goes wrong makes it less. */
interface Pace {
  readonly blockSize: number;
  readonly runSize: number;
}

const FAST: Pace = { blockSize: 0x4000, runSize: Number.POSITIVE_INFINITY };
const CAREFUL: Pace = { blockSize: 0x1000, runSize: REGION_SIZE };

/** Bytes read at once, the less the more often it failed. */
const READ_SIZES: readonly number[] = [0x4_0000, 0x8000, 0x1000];

/** Failures of one piece of a reading, in a row, after which it is given up. */
const READ_FAILURES_MAX = 12;

const BAUD_RATE_WANTED = 921_600;

/**
 * Flashes one board over any {@link SerialLine}: nothing counts as written before the board's own MD5 of it says so, and
 * what a line loses or spoils is written again, in smaller pieces and at a lower rate.
 */
export class Flasher {
  readonly #line: SerialLine;
  readonly #session: StubSession;

  private constructor(line: SerialLine, session: StubSession) {
    this.#line = line;
    this.#session = session;
  }

  /**
   * Resets a board into its loader, starts the stub and learns what the board is.
   *
   * @param line - Open, at 115 200. It stays the caller's to close.
   * @throws {@link OtaError} `serial/…`: see `connectLoader` and `readChip`.
   */
  static async connect(line: SerialLine, options: FlasherOptions = {}): Promise<Flasher> {
    const { baudRate = BAUD_RATE_WANTED, signal, onNote = () => undefined } = options;
    const session = new StubSession(interruptible(line, signal), baudRate, options, onNote);
    await session.begin();
    return new Flasher(line, session);
  }

  get board(): Board {
    return this.#session.board;
  }

  get port(): string {
    return this.#line.port;
  }

  /** The rate in force. */
  get baudRate(): number {
    return this.#session.baudRate;
  }

  /** Times that an answer was lost or damaged so far. */
  get disturbances(): number {
    return this.#session.disturbances;
  }

  /**
   * Writes parts where the flash holds anything else, and has the board prove it.
   *
   * @param parts - Beginning at sectors, none over another, all inside the flash.
   * @throws {@link OtaError} `serial/write-failed`, `serial/does-not-fit`, `serial/port-lost`.
   */
  async write(
    parts: readonly FlashPart[],
    onProgress: (progress: FlashProgress) => void = () => {},
  ): Promise<WriteReport> {
    for (const part of parts) this.#assertInside(part);
    const sorted = [...parts].sort((left, right) => left.offset - right.offset);
    const regions = regionsOf(sorted);
    const total = sizeOf(regions);
    let pending = await this.#differing(regions, "compare", onProgress);
    const toWrite = sizeOf(pending);
    for (const pace of [FAST, CAREFUL]) {
      if (pending.length === 0) break;
      const done = toWrite - sizeOf(pending);
      const report = (count: number) => onProgress({ step: "write", done: done + count, total: toWrite });
      const isWritten = await this.#writeAll(pending, pace, report);
      pending = await this.#verify(pending, isWritten, onProgress);
      if (pending.length > 0) await this.#session.stepDown();
    }
    await this.#writeSectors(pending, (done) => onProgress({ step: "write", done: toWrite - done, total: toWrite }));
    return { written: toWrite, unchanged: total - toWrite };
  }

  /**
   * Reads a piece of the flash.
   *
   * @param size - Bytes, a multiple of 4.
   * @throws {@link OtaError} `serial/read-failed`, `serial/port-lost`.
   */
  async read(
    offset: number,
    size: number,
    onProgress: (progress: FlashProgress) => void = () => {},
  ): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    let [done, failures, slowness] = [0, 0, 0];
    while (done < size) {
      const piece = Math.min(READ_SIZES[slowness] ?? SECTOR_SIZE, size - done);
      const base = done;
      try {
        const read = await readFlash(this.#session.link, offset + base, piece, (count) =>
          onProgress({ step: "read", done: base + count, total: size }),
        );
        bytes.set(read, base);
        done += piece;
        failures = 0;
      } catch (cause) {
        if (!isDisturbance(cause)) throw cause;
        if (++failures === READ_FAILURES_MAX) throw this.#readFailed(offset + base, cause);
        slowness = Math.min(slowness + 1, READ_SIZES.length - 1);
        await this.#session.recover();
      }
    }
    return bytes;
  }

  /** Erases sectors: `offset` and `size` are multiples of 4096. */
  async erase(offset: number, size: number): Promise<void> {
    await this.#session.steadily((link) => eraseRegion(link, offset, size));
  }

  /**
   * Leaves the loader for the app, whose log comes at 115 200: by a reset, or where the line has none by the stub's own
   * command.
   */
  async startApp(): Promise<void> {
    const line = this.#line;
    if (!line.hasSignals)
      await new LoaderLink(line).send(buildLoaderRequest(LoaderOp.RUN_USER_CODE, new Uint8Array(0)));
    if (this.#session.baudRate !== BAUD_RATE_DEFAULT) await line.setBaudRate(BAUD_RATE_DEFAULT);
    if (line.hasSignals) await runReset(line, hardReset(line.usb));
  }

  /** @returns Whether all went well. */
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
      try {
        const offset = run[0]?.offset ?? 0;
        await writeCompressed(this.#session.link, offset, bytesOf(run), blockSize, (done) => onDone(base + done));
      } catch (cause) {
        if (!isDisturbance(cause)) throw cause;
        isWhole = false;
        await this.#session.recover();
      }
    }
    return isWhole;
  }

  /** For a line that spoils most of what is longer: one sector in one block, until the board has it. */
  async #writeSectors(pending: readonly FlashRegion[], onLeft: (left: number) => void): Promise<void> {
    const sectors = sectorsOf(pending);
    let left = sizeOf(sectors);
    for (const sector of sectors) {
      const write = async (link: LoaderLink): Promise<void> => {
        const isThere = async (): Promise<boolean> =>
          equalBytes(await flashMd5(link, sector.offset, sector.bytes.length), sector.md5);
        if (await isThere()) return;
        await writeCompressed(link, sector.offset, sector.bytes, 2 * SECTOR_SIZE, () => undefined);
        if (!(await isThere())) throw link.silence("SPI_FLASH_MD5");
      };
      try {
        await this.#session.steadily(write);
      } catch (cause) {
        throw isDisturbance(cause) ? this.#writeFailed(sector.offset, cause) : cause;
      }
      left -= sector.bytes.length;
      onLeft(left);
    }
  }

  /** @returns The regions that the board holds otherwise. */
  async #verify(
    regions: readonly FlashRegion[],
    isLikelyRight: boolean,
    onProgress: (progress: FlashProgress) => void,
  ): Promise<readonly FlashRegion[]> {
    if (!isLikelyRight) return this.#differing(regions, "verify", onProgress);
    const wrong: FlashRegion[] = [];
    const total = sizeOf(regions);
    let done = 0;
    // One question for each run: it is right nearly always.
    for (const run of runsOf(regions, Number.POSITIVE_INFINITY)) {
      const size = sizeOf(run);
      const found = await this.#session.steadily((link) => flashMd5(link, run[0]?.offset ?? 0, size));
      if (!equalBytes(found, md5Of(run))) wrong.push(...(await this.#differing(run, "verify", () => undefined)));
      done += size;
      onProgress({ step: "verify", done, total });
    }
    return wrong;
  }

  async #differing(
    regions: readonly FlashRegion[],
    step: "compare" | "verify",
    onProgress: (progress: FlashProgress) => void,
  ): Promise<readonly FlashRegion[]> {
    const different: FlashRegion[] = [];
    const total = sizeOf(regions);
    let done = 0;
    for (const region of regions) {
      const found = await this.#session.steadily((link) => flashMd5(link, region.offset, region.bytes.length));
      if (!equalBytes(found, region.md5)) different.push(region);
      done += region.bytes.length;
      onProgress({ step, done, total });
    }
    return different;
  }

  #assertInside({ name, offset, bytes }: FlashPart): void {
    const limit = this.board.flashSize;
    if (offset % SECTOR_SIZE !== 0) {
      const message = `${name} begins at 0x${offset.toString(16)}; it must begin at a multiple of 0x1000`;
      throw new OtaError("serial/does-not-fit", message, { port: this.port, part: name, size: bytes.length, limit });
    }
    if (offset + bytes.length <= limit) return;
    const message = `${name} ends at 0x${(offset + bytes.length).toString(16)}, behind the flash of the board on ${this.port}, which has ${limit} bytes`;
    throw new OtaError("serial/does-not-fit", message, { port: this.port, part: name, size: bytes.length, limit });
  }

  #writeFailed(offset: number, cause: unknown): OtaError<"serial/write-failed"> {
    const message = `writing failed again and again: the flash of the board on ${this.port} is not right from 0x${offset.toString(16)} on`;
    const hint =
      "try --baud 115200, a shorter cable, a supply of its own; if nothing helps, the flash chip is worn out or protected";
    return new OtaError("serial/write-failed", message, { port: this.port, offset }, { cause, hint });
  }

  #readFailed(offset: number, cause: unknown): OtaError<"serial/read-failed"> {
    const message = `reading the flash of the board on ${this.port} failed again and again at 0x${offset.toString(16)}`;
    const hint = "try --baud 115200, a shorter cable, or another USB port";
    return new OtaError("serial/read-failed", message, { port: this.port, offset }, { cause, hint });
  }
}

/** Whether an error is one that doing it again may mend. */
function isDisturbance(error: unknown): boolean {
  return isOtaError(error, "serial/noise") || isOtaError(error, "serial/loader-refused");
}

function sizeOf(regions: readonly FlashRegion[]): number {
  return regions.reduce((size, { bytes }) => size + bytes.length, 0);
}

function bytesOf(run: readonly FlashRegion[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(run));
  let offset = 0;
  for (const region of run) {
    bytes.set(region.bytes, offset);
    offset += region.bytes.length;
  }
  return bytes;
}
