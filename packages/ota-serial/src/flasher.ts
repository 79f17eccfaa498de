import type { WriteReport } from "./flash/flash-progress.ts";
import { KeptRanges } from "./flash/kept-ranges.ts";
import type { FlashPart } from "./flash/regions.ts";
import { eraseRegion } from "./flash/stub-flash.ts";
import { readVerified } from "./flash/verified-read.ts";
import { type OnFlashProgress, VerifiedWrite } from "./flash/verified-write.ts";
import { BAUD_RATE_DEFAULT, type SerialLine } from "./line/serial-line.ts";
import type { Board } from "./loader/board.ts";
import type { ConnectOptions } from "./loader/connect-loader.ts";
import { interruptible } from "./loader/interruptible.ts";
import { hardReset, runReset } from "./loader/reset-sequence.ts";
import { StubSession } from "./loader/stub-session.ts";
import { type BoardLayout, readBoardLayout } from "./plan/board-layout.ts";
import { checkEncryption } from "./plan/check-image.ts";
import type { FlashPlan } from "./plan/flash-plan.ts";

/** How a flasher connects. */
export interface FlasherOptions extends ConnectOptions {
  /** The rate to work at, up to 2 000 000; 921 600 without it. It steps down where a line can't keep it. */
  readonly baudRate?: number | undefined;
  /** Ends every step with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told what a user should know meanwhile, as sentences. */
  readonly onNote?: ((text: string) => void) | undefined;
}

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
    try {
      await session.begin();
      return new Flasher(line, session);
    } catch (error) {
      // A board that is left in its loader looks dead.
      if (line.hasSignals) await runReset(line, hardReset(line.usb)).catch(() => undefined);
      throw error;
    }
  }

  get board(): Board {
    return this.#session.board;
  }

  get port(): string {
    return this.#line.port;
  }

  /** Returns the current baud rate. */
  get baudRate(): number {
    return this.#session.baudRate;
  }

  /** Times that an answer was lost or damaged so far. */
  get disturbances(): number {
    return this.#session.disturbances;
  }

  /**
   * Carries a plan out: each step written and verified before the next, and what should stay seen to have stayed.
   *
   * @throws {@link OtaError} as {@link write}, and `serial/damaged-elsewhere`.
   */
  async flash(plan: FlashPlan, onProgress: OnFlashProgress = () => undefined): Promise<WriteReport> {
    const kept = new KeptRanges(this.#session, plan.keeps);
    const write = new VerifiedWrite(this.#session, kept, onProgress);
    let [written, unchanged] = [0, 0];
    for (const parts of plan.steps) {
      const report = await write.write(parts);
      written += report.written;
      unchanged += report.unchanged;
    }
    await kept.assertKept();
    return { written, unchanged };
  }

  /**
   * Writes parts where the flash holds anything else, and has the board prove it.
   *
   * @param parts - Beginning at sectors, none over another, all inside the flash.
   * @throws {@link OtaError} `serial/write-failed`.
   * @throws {@link OtaError} `serial/does-not-fit`.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  write(parts: readonly FlashPart[], onProgress: OnFlashProgress = () => undefined): Promise<WriteReport> {
    return new VerifiedWrite(this.#session, new KeptRanges(this.#session, []), onProgress).write(parts);
  }

  /**
   * Reads a piece of the flash.
   *
   * @param size - Bytes, a multiple of 4.
   * @throws {@link OtaError} `serial/read-failed`.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  read(offset: number, size: number, onProgress: OnFlashProgress = () => undefined): Promise<Uint8Array> {
    return readVerified(this.#session, offset, size, onProgress);
  }

  /**
   * Reads partition table, otadata and the heads of all images.
   *
   * @param tableOffset - Where the table lies, if not at 0x8000.
   * @throws {@link OtaError} `serial/flash-encrypted`.
   * @throws {@link OtaError} `serial/no-partition-table`, and as {@link read}.
   */
  async readLayout(tableOffset?: number): Promise<BoardLayout> {
    checkEncryption(this.port, this.board);
    return readBoardLayout(this.port, (offset, size) => this.read(offset, size), tableOffset);
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
    if (!line.hasSignals) {
      await this.#session.runApp();
      return;
    }
    await this.#session.releaseDownloadMode();
    if (this.#session.baudRate !== BAUD_RATE_DEFAULT) await line.setBaudRate(BAUD_RATE_DEFAULT);
    await runReset(line, hardReset(line.usb));
  }
}
