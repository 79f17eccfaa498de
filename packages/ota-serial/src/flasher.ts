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
import { assertUnencrypted } from "./plan/check-image.ts";
import type { FlashPlan } from "./plan/flash-plan.ts";

/** Options of {@link Flasher.connect}. */
export interface FlasherOptions extends ConnectOptions {
  /** Baud rate, up to 2 000 000. The flasher steps down if the line can't keep up. @defaultValue 921 600 */
  readonly baudRate?: number | undefined;
  /** Aborts the current and every later step with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with a sentence for the user, such as a lower baud rate. */
  readonly onNote?: ((text: string) => void) | undefined;
}

const BAUD_RATE_WANTED = 921_600;

/**
 * Flashes one board over any {@link SerialLine}. Data counts as written once the board's own MD5 of it matches. What the
 * line loses or corrupts is written again in smaller pieces and at a lower baud rate.
 */
export class Flasher {
  readonly #line: SerialLine;
  readonly #session: StubSession;

  private constructor(line: SerialLine, session: StubSession) {
    this.#line = line;
    this.#session = session;
  }

  /**
   * Resets a board into its loader, starts the stub and identifies the board.
   *
   * @param line - Open line at 115 200 baud. The caller closes it.
   * @throws {@link OtaError} `serial/…`: see `connectLoader` and `readChip`.
   */
  static async connect(line: SerialLine, options: FlasherOptions = {}): Promise<Flasher> {
    const { baudRate = BAUD_RATE_WANTED, signal, onNote = () => undefined } = options;
    const session = new StubSession(interruptible(line, signal), baudRate, options, onNote);
    try {
      await session.begin();
      return new Flasher(line, session);
    } catch (error) {
      // Without this reset the board would stay in its loader and look dead.
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

  /** Returns how many answers were lost or corrupted so far. */
  get disturbances(): number {
    return this.#session.disturbances;
  }

  /**
   * Carries out a plan. Writes and verifies each step before the next, then checks that the ranges to keep are unchanged.
   *
   * @throws {@link OtaError} The codes of {@link write}, and `serial/damaged-elsewhere`.
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
   * Writes parts wherever the flash differs from them, and verifies them with the board's MD5.
   *
   * @param parts - Parts that begin at sectors, do not overlap and lie inside the flash.
   * @throws {@link OtaError} `serial/write-failed`.
   * @throws {@link OtaError} `serial/does-not-fit`.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  write(parts: readonly FlashPart[], onProgress: OnFlashProgress = () => undefined): Promise<WriteReport> {
    return new VerifiedWrite(this.#session, new KeptRanges(this.#session, []), onProgress).write(parts);
  }

  /**
   * Reads a range of the flash.
   *
   * @param size - Number of bytes, a multiple of 4.
   * @throws {@link OtaError} `serial/read-failed`.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  read(offset: number, size: number, onProgress: OnFlashProgress = () => undefined): Promise<Uint8Array> {
    return readVerified(this.#session, offset, size, onProgress);
  }

  /**
   * Reads the partition table, otadata and the first bytes of every app image.
   *
   * @param tableOffset - Offset of the partition table. @defaultValue 0x8000
   * @throws {@link OtaError} `serial/flash-encrypted`, `serial/no-partition-table`, and the codes of {@link read}.
   */
  async readLayout(tableOffset?: number): Promise<BoardLayout> {
    assertUnencrypted(this.port, this.board);
    return readBoardLayout(this.port, (offset, size) => this.read(offset, size), tableOffset);
  }

  /** Erases sectors. `offset` and `size` are multiples of 4096. */
  async erase(offset: number, size: number): Promise<void> {
    await this.#session.withRetries((link) => eraseRegion(link, offset, size));
  }

  /**
   * Starts the app, which logs at 115 200 baud: by a reset or, on a line without control signals, by the stub's command.
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
