import { isOtaError } from "@tinybms/ota-core";
import { buildLoaderRequest, LoaderOp } from "@tinybms/ota-core/serial";
import { BAUD_RATE_DEFAULT, type SerialLine } from "../line/serial-line.ts";
import { changeBaudRate, nextLowerBaudRate } from "./baud-rate.ts";
import { type Board, readBoard, readChip, releaseDownloadMode } from "./board.ts";
import { type ConnectOptions, connectLoader, syncLoader } from "./connect-loader.ts";
import { isDisturbance } from "./disturbance.ts";
import { LoaderLink } from "./loader-link.ts";
import { setFlashSize } from "./spi-flash-size.ts";
import { loadStub, startStub } from "./stub.ts";

/** Number of tries of a step. */
const ATTEMPTS = 12;

/** Number of refusals while connecting after which the refusal counts as genuine, not as a corrupted answer. */
const REFUSALS = 2;

/** How long the line must be quiet before the next command, in milliseconds. */
const QUIET_MS = 100;

/** Session with a stub on a board. Reconnects after lost or corrupted answers. */
export class StubSession {
  readonly link: LoaderLink;
  readonly #options: ConnectOptions;
  readonly #onNote: (text: string) => void;
  #wantedBaudRate: number;
  #baudRate = BAUD_RATE_DEFAULT;
  #board: Board | undefined;
  #disturbances = 0;

  constructor(line: SerialLine, baudRate: number, options: ConnectOptions, onNote: (text: string) => void) {
    this.link = new LoaderLink(line);
    this.#wantedBaudRate = line.hasBaudRate ? baudRate : BAUD_RATE_DEFAULT;
    this.#options = options;
    this.#onNote = onNote;
  }

  get board(): Board {
    if (this.#board === undefined) throw new Error("the session has not begun");
    return this.#board;
  }

  get baudRate(): number {
    return this.#baudRate;
  }

  get disturbances(): number {
    return this.#disturbances;
  }

  /**
   * Connects to the loader, starts the stub and raises the baud rate. Starts over at a lower rate after a lost or corrupted
   * answer. A refusal may be a corrupted answer, so it counts only the second time.
   */
  async begin(): Promise<void> {
    let refusals = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#connect();
        return;
      } catch (error) {
        if (isOtaError(error, "serial/loader-refused")) refusals++;
        if (!isDisturbance(error) || refusals === REFUSALS || attempt === ATTEMPTS) throw error;
        this.#disturbances++;
      }
    }
  }

  /**
   * Runs a step that may be repeated, and retries it after lost or corrupted answers.
   *
   * @throws The error of the last try.
   */
  async withRetries<T>(step: (link: LoaderLink) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step(this.link);
      } catch (error) {
        if (!isDisturbance(error) || attempt === ATTEMPTS) throw error;
        await this.recover();
      }
    }
  }

  /** Resynchronizes with the stub after a lost or corrupted answer. If it does not answer, reconnects at a lower rate. */
  async recover(): Promise<void> {
    this.#disturbances++;
    const { link } = this;
    await link.drain(QUIET_MS);
    if ((await syncLoader(link)) === "stub") return;
    const slower = nextLowerBaudRate(this.#baudRate);
    if (slower !== undefined && this.#baudRate > BAUD_RATE_DEFAULT) this.#slowDown(slower);
    await this.begin();
  }

  /** Prepares a reset into the app. Does nothing if the loader no longer answers. */
  async releaseDownloadMode(): Promise<void> {
    try {
      await releaseDownloadMode(this.link, this.board);
    } catch {
      // If the reset fails too, the missing boot log shows it.
    }
  }

  /**
   * Asks the stub to start the app, for lines that can't reset a board. Not every stub can. Restores the default baud rate
   * first: bytes that arrive while a port changes its rate are lost, and the app's log must not be among them.
   */
  async runApp(): Promise<void> {
    if (this.#baudRate !== BAUD_RATE_DEFAULT) await changeBaudRate(this.link, this.#baudRate, BAUD_RATE_DEFAULT);
    this.#baudRate = BAUD_RATE_DEFAULT;
    await this.link.send(buildLoaderRequest(LoaderOp.RUN_USER_CODE, new Uint8Array(0)));
  }

  /** Continues at a lower rate after the board's data differed from the written data, if there is a lower rate. */
  async stepDown(): Promise<void> {
    this.#disturbances++;
    const slower = nextLowerBaudRate(this.#baudRate);
    if (slower === undefined) return;
    const before = this.#baudRate;
    this.#slowDown(slower);
    try {
      const isUnderstood = await changeBaudRate(this.link, before, slower);
      this.#baudRate = slower;
      if (isUnderstood) return;
    } catch (error) {
      if (!isDisturbance(error)) throw error;
    }
    await this.begin();
  }

  async #connect(): Promise<void> {
    const { link } = this;
    await this.#toDefaultRate();
    const kind = await connectLoader(link, this.#options);
    const facts = await readChip(link);
    if (kind === "rom") await startStub(link, await loadStub(facts.chipName, link.line.port));
    if (this.#wantedBaudRate !== BAUD_RATE_DEFAULT) await this.#raiseRate();
    this.#board = await readBoard(link, facts);
    await setFlashSize(link, this.#board.flashSize);
  }

  async #raiseRate(): Promise<void> {
    const wanted = this.#wantedBaudRate;
    const isUnderstood = await changeBaudRate(this.link, this.#baudRate, wanted);
    this.#baudRate = wanted;
    if (isUnderstood) return;
    this.#slowDown(nextLowerBaudRate(wanted) ?? BAUD_RATE_DEFAULT);
    throw this.link.silence("CHANGE_BAUDRATE");
  }

  async #toDefaultRate(): Promise<void> {
    if (this.#baudRate !== BAUD_RATE_DEFAULT) await this.link.line.setBaudRate(BAUD_RATE_DEFAULT);
    this.#baudRate = BAUD_RATE_DEFAULT;
  }

  #slowDown(slower: number): void {
    this.#wantedBaudRate = slower;
    this.#onNote(`${this.link.line.port} doesn't keep up at ${this.#baudRate} baud: continues at ${slower}`);
  }
}
