import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { decodeUtf8, isOtaError, OtaError, utf8 } from "@tinybms/ota-core";
import { acquireLock, type Lock, writeFileAtomically } from "@tinybms/ota-core/node";
import {
  type Journal,
  journalLine,
  type RolloutRecord,
  type RolloutRequest,
  readJournal,
  rolloutOf,
} from "@tinybms/ota-core/rollout";
import { codeOf } from "../system-error.ts";

const REQUESTS: readonly RolloutRequest[] = ["continue", "pause", "withdraw"];

/** A rollout's journal that this process writes. No other process can open it until it is closed. */
export class JournalFile {
  readonly file: string;
  /** What the journal held when it was opened. */
  readonly records: readonly RolloutRecord[];
  readonly #descriptor: number;
  readonly #lock: Lock;
  #hash: string;
  #sizeBytes: number;

  private constructor(file: string, descriptor: number, lock: Lock, { records, hash, sizeBytes }: Journal) {
    this.file = file;
    this.records = records;
    this.#descriptor = descriptor;
    this.#lock = lock;
    this.#hash = hash;
    this.#sizeBytes = sizeBytes;
  }

  /**
   * Opens a journal. Cuts off a last line that was not written to its end.
   *
   * @param mode - `new`: the journal must not exist, or hold no whole line. `resume`: it must hold a rollout.
   * @throws {@link OtaError} `journal/exists`, `journal/unusable`, `journal/damaged`, `journal/newer`; `package/locked`
   *   if another process has it.
   */
  static async open(file: string, mode: "new" | "resume"): Promise<JournalFile> {
    const lock = await lockOf(file, mode);
    let descriptor: number | undefined;
    try {
      const isNew = mode === "new" && !isEmptyJournal(file);
      descriptor = openSync(file, isNew ? "wx+" : "r+");
      const bytes = readFileSync(file);
      const journal = journalOf(bytes, file);
      if (mode === "resume" && rolloutOf(journal) === undefined) throw noRollout(file);
      ftruncateSync(descriptor, journal.sizeBytes);
      removeRequest(file);
      return new JournalFile(file, descriptor, lock, journal);
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor);
      lock.release();
      if (codeOf(error) === "EEXIST") throw exists(file);
      if (isOtaError(error)) throw error;
      throw unusable(file, codeOf(error) === "ENOENT" ? "it does not exist" : "it can't be opened", error);
    }
  }

  /**
   * Appends a record. Returns when it is on the disk, with those before it, unless it says how a device ended: a thousand
   * devices may end at once, and their retained reports say it again.
   *
   * @throws {@link OtaError} `journal/unusable` if it can't be written; `package/locked` if another process took over.
   */
  append(record: RolloutRecord): void {
    this.#lock.assertHeld();
    const { line, hash } = journalLine(this.#hash, record);
    const bytes = utf8(line);
    try {
      for (let sent = 0; sent < bytes.length; ) {
        sent += writeSync(this.#descriptor, bytes, sent, undefined, this.#sizeBytes + sent);
      }
      if (record.type !== "ended") fsyncSync(this.#descriptor);
    } catch (error) {
      throw unusable(this.file, "it can't be written", error);
    }
    this.#hash = hash;
    this.#sizeBytes += bytes.length;
  }

  /** Returns what somebody asked for since the last call: see {@link askRollout}. */
  takeRequest(): RolloutRequest | undefined {
    try {
      const text = readFileSync(requestFileOf(this.file), "utf8").trim();
      removeRequest(this.file);
      return REQUESTS.find((request) => request === text);
    } catch {
      return undefined;
    }
  }

  /** Closes the journal and lets other processes open it. */
  close(): void {
    closeSync(this.#descriptor);
    this.#lock.release();
  }
}

/**
 * Reads a journal without opening it for writing.
 *
 * @throws {@link OtaError} `journal/unusable`, `journal/damaged`, `journal/newer`.
 */
export function readJournalFile(file: string): Journal {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw unusable(file, codeOf(error) === "ENOENT" ? "it does not exist" : "it can't be read", error);
  }
  const journal = journalOf(bytes, file);
  if (rolloutOf(journal) === undefined) throw noRollout(file);
  return journal;
}

/**
 * Asks the process that runs a rollout for something, by a file beside the journal.
 *
 * @throws {@link OtaError} `journal/unusable` if the file can't be written.
 */
export async function askRollout(file: string, request: RolloutRequest): Promise<void> {
  try {
    await writeFileAtomically(requestFileOf(file), utf8(`${request}\n`), dirname(file));
  } catch (error) {
    throw isOtaError(error) ? error : unusable(requestFileOf(file), "it can't be written", error);
  }
}

/**
 * Checks that a new rollout may have this journal.
 *
 * @throws {@link OtaError} `journal/exists` if the file exists and has a whole line.
 */
export function assertNoJournal(file: string): void {
  if (existsSync(file) && !isEmptyJournal(file)) throw exists(file);
}

/** Returns `true` if a file exists and has no whole line: the process that began the rollout ended in the first one. */
function isEmptyJournal(file: string): boolean {
  try {
    return !readFileSync(file).includes(0x0a);
  } catch {
    return false;
  }
}

/** Returns `true` if a process has the journal open. */
export async function isRolloutRunning(file: string): Promise<boolean> {
  try {
    (await acquireLock(lockFileOf(file), { timeoutMs: 0 })).release();
    return false;
  } catch (error) {
    if (isOtaError(error, "package/locked")) return true;
    throw unusable(file, "its lock can't be read", error);
  }
}

async function lockOf(file: string, mode: "new" | "resume"): Promise<Lock> {
  try {
    if (mode === "new") await mkdir(dirname(file), { recursive: true });
    return await acquireLock(lockFileOf(file), { timeoutMs: 0 });
  } catch (error) {
    if (!isOtaError(error)) throw unusable(file, "its lock can't be made", error);
    const hint = "it is running: tinybms-ota rollout pause, continue and withdraw tell it what to do";
    throw new OtaError("package/locked", `${file}: ${error.message}`, { file, ageSeconds: 0 }, { hint });
  }
}

function journalOf(bytes: Uint8Array, file: string): Journal {
  // A line that was cut in the middle of a character is not text: only whole lines are read.
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
  const text = decodeUtf8(whole);
  if (text === undefined) throw new OtaError("journal/damaged", `${file}: the journal is not UTF-8`, { file, line: 0 });
  return readJournal(text, file);
}

function lockFileOf(file: string): string {
  return `${file}.lock`;
}

function requestFileOf(file: string): string {
  return `${file}.request`;
}

function removeRequest(file: string): void {
  rmSync(requestFileOf(file), { force: true });
}

function exists(file: string): OtaError<"journal/exists"> {
  const hint = `deploy --resume ${file} goes on with that rollout; --journal writes another one elsewhere`;
  return new OtaError("journal/exists", `${file} is the journal of a rollout that was begun`, { file }, { hint });
}

function unusable(file: string, why: string, cause?: unknown): OtaError<"journal/unusable"> {
  return new OtaError("journal/unusable", `${file}: ${why}`, { file }, { cause });
}

function noRollout(file: string): OtaError<"journal/unusable"> {
  const hint = `deploy --rollout … --journal ${file} begins one`;
  return new OtaError("journal/unusable", `${file} holds no rollout`, { file }, { hint });
}
