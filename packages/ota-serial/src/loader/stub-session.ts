import { isOtaError } from "@tinybms/ota-core";
import { buildLoaderRequest, LoaderOp } from "@tinybms/ota-core/serial";
import { BAUD_RATE_DEFAULT, type SerialLine } from "../line/serial-line.ts";
import { changeBaudRate, slowerThan } from "./baud-rate.ts";
import { type Board, readBoard, readChip, releaseDownloadMode } from "./board.ts";
import { type ConnectOptions, callLoader, connectLoader } from "./connect-loader.ts";
import { isDisturbance } from "./disturbance.ts";
import { LoaderLink } from "./loader-link.ts";
import { setFlashSize } from "./spi-flash-size.ts";
import { loadStub, startStub } from "./stub.ts";

/** Times that a step of a session is tried. */
const ATTEMPTS = 12;

/** Refusals of a loader while connecting after which it is believed. */
const REFUSALS = 2;

/** How long a line must be quiet to count as settled, in milliseconds. */
const QUIET_MS = 100;

/** A stub that runs on a board, found again when the line has lost it. */
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
   * Finds the loader, starts the stub and raises the rate. Does all of it again, slower, where the line spoils an answer.
   * A refusal may be such an answer: it counts when it comes a second time.
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
   * Carries a step out that may be repeated, as often as the line needs.
   *
   * @throws Whatever the last try did.
   */
  async steadily<T>(step: (link: LoaderLink) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step(this.link);
      } catch (error) {
        if (!isDisturbance(error) || attempt === ATTEMPTS) throw error;
        await this.recover();
      }
    }
  }

  /** After a lost or damaged answer: calls the stub back, or else begins anew at a lower rate. */
  async recover(): Promise<void> {
    this.#disturbances++;
    const { link } = this;
    await link.drain(QUIET_MS);
    if ((await callLoader(link)) === "stub") return;
    const slower = slowerThan(this.#baudRate);
    if (slower !== undefined && this.#baudRate > BAUD_RATE_DEFAULT) this.#slowDown(slower);
    await this.begin();
  }

  /** Before a reset into the app; where the loader no longer answers, the reset has to do without. */
  async releaseDownloadMode(): Promise<void> {
    try {
      await releaseDownloadMode(this.link, this.board);
    } catch {
      // The reset says more than this could.
    }
  }

  /**
   * Asks the stub to start what is in flash, for lines that can't reset a board; not every stub does. The rate goes back
   * before, while the stub can still be asked: what comes while a port changes its rate is lost.
   */
  async runApp(): Promise<void> {
    if (this.#baudRate !== BAUD_RATE_DEFAULT) await changeBaudRate(this.link, this.#baudRate, BAUD_RATE_DEFAULT);
    this.#baudRate = BAUD_RATE_DEFAULT;
    await this.link.send(buildLoaderRequest(LoaderOp.RUN_USER_CODE, new Uint8Array(0)));
  }

  /** Continues at a lower rate after the board's data differed from the written data, if there is a lower rate. */
  async stepDown(): Promise<void> {
    this.#disturbances++;
    const slower = slowerThan(this.#baudRate);
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
    this.#slowDown(slowerThan(wanted) ?? BAUD_RATE_DEFAULT);
    throw this.link.silence("CHANGE_BAUDRATE");
  }

  async #toDefaultRate(): Promise<void> {
    if (this.#baudRate !== BAUD_RATE_DEFAULT) await this.link.line.setBaudRate(BAUD_RATE_DEFAULT);
    this.#baudRate = BAUD_RATE_DEFAULT;
  }

  #slowDown(slower: number): void {
    this.#wantedBaudRate = slower;
    this.#onNote(`${this.link.line.port} doesn't keep up at ${this.#baudRate} baud: on at ${slower}`);
  }
}
