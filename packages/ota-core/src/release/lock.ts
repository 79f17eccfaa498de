import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OtaError } from "../errors.ts";
import { systemCodeOf } from "../manifest/load-file.ts";
import { createFileSync } from "./new-file.ts";
import { isDead, type ProcessOwner, thisProcess } from "./process-owner.ts";
import { temporaryPathOf } from "./write-atomically.ts";

/** Age at which a lock is stale regardless of its owner, in milliseconds. Packaging takes seconds. */
const STALE_AFTER_MS = 600_000;

/** Time between attempts in milliseconds: it doubles from `first` up to `most`. */
const WAIT_MS = { first: 2, most: 50 } as const;

/** Options of {@link acquireLock}. */
export interface LockOptions {
  /** Maximum time to wait for the lock, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process has the lock, with a description of it. */
  readonly onWait?: ((owner: string) => void) | undefined;
}

/** A lock that this process holds. */
export interface Lock {
  /**
   * Checks that this process still holds the lock.
   *
   * @throws {@link OtaError} `package/locked` if another process has taken it over.
   */
  assertHeld(): void;
  /** Releases the lock. Has no effect if another process has taken it over. */
  release(): void;
}

/** Contents of a lock file. */
interface LockRecord extends ProcessOwner {
  /** Unique per acquisition. */
  readonly token: string;
  readonly since: string;
}

/** An existing lock file. */
interface FoundLock {
  readonly token: string;
  readonly ageMs: number;
  /** Absent if the file contains no record, for example after the file system lost it. */
  readonly record?: LockRecord;
}

/**
 * Acquires a lock: a file that states its owner and that only one process at a time can create.
 *
 * Takes over a lock whose owner is certainly dead, or that is ten minutes old. If processes removed and re-created a
 * stale lock, two of them could remove each other's new lock. Therefore a process first acquires a second lock, whose
 * name contains the token of the stale one. Only its holder may replace that stale lock, and does so with one rename.
 * If the holder dies in between, its second lock becomes stale and is taken over the same way.
 *
 * @param file - The lock file; its folder must exist.
 * @throws {@link OtaError} `package/locked` if the time is over.
 * @throws The file system's own errors, and the signal's reason.
 */
export async function acquireLock(file: string, { timeoutMs, signal, onWait }: LockOptions): Promise<Lock> {
  const start = performance.now();
  let waitMs: number = WAIT_MS.first;
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const lock = tryLock(file);
    if (lock !== undefined) return lock;
    const found = readLock(file);
    if (found === undefined) continue; // it was released in the meantime
    if (isFirst) onWait?.(describe(found));
    const waitedMs = performance.now() - start;
    if (waitedMs >= timeoutMs) throw locked(file, found, waitedMs);
    await pause(waitMs, signal);
    waitMs = Math.min(WAIT_MS.most, waitMs * 2) * (0.75 + Math.random() / 2);
  }
}

/** Acquires the lock if it is free or stale. */
function tryLock(file: string): Lock | undefined {
  const found = readLock(file);
  if (found !== undefined && !isStale(found)) return undefined;
  const token = `${process.pid}-${Math.random().toString(36).slice(2, 12)}`;
  const candidate = temporaryPathOf(file);
  const record: LockRecord = { ...thisProcess(), token, since: new Date().toISOString() };
  const text = `${JSON.stringify(record)}\n`;
  try {
    createFileSync(candidate, text);
    if (!create(file, candidate, text) && !takeOver(file, candidate)) return undefined;
    return lockOf(file, token);
  } finally {
    rmSync(candidate, { force: true });
  }
}

/** Links the candidate to the lock's name if that is free, so that the lock appears with its record in it. */
function create(file: string, candidate: string, text: string): boolean {
  try {
    try {
      linkSync(candidate, file);
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return false;
      // Without hard links, the record appears an instant after the file.
      createFileSync(file, text);
    }
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function takeOver(file: string, candidate: string): boolean {
  // Use the file system's time: the clock of a file server may differ by more than ten minutes.
  const stale = readLock(file, statSync(candidate).mtimeMs);
  if (stale === undefined || !isStale(stale)) return false;
  const guard = tryLock(`${file}.${stale.token}`);
  if (guard === undefined) return false;
  try {
    // Another process may have taken the lock over before this one acquired the guard.
    if (readLock(file)?.token !== stale.token) return false;
    renameSync(candidate, file);
    return true;
  } finally {
    guard.release();
  }
}

function lockOf(file: string, token: string): Lock {
  removeDeadGuards(file);
  return {
    assertHeld() {
      const found = readLock(file);
      if (found?.token === token) return;
      const owner = found === undefined ? "and it is gone" : `and ${describe(found)} has it now`;
      const message = `${file}: the lock was taken over, ${owner}; nothing was changed`;
      throw new OtaError("package/locked", message, detailsOf(file, found), { hint: "run the command again" });
    },
    release() {
      if (readLock(file)?.token === token) rmSync(file, { force: true });
    },
  };
}

/** Removes guards of dead processes. A guard is useless once its lock is gone. */
function removeDeadGuards(file: string): void {
  const prefix = `${basename(file)}.`;
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(prefix)) continue;
    const path = join(dirname(file), name);
    const record = readLock(path)?.record;
    if (record !== undefined && isDead(record)) rmSync(path, { force: true });
  }
}

function readLock(file: string, nowMs: number = Date.now()): FoundLock | undefined {
  try {
    const { mtimeMs, ino } = statSync(file);
    const ageMs = Math.max(0, nowMs - mtimeMs);
    const record = parseRecord(readFileSync(file, "utf8"));
    return record === undefined
      ? { token: `${ino}-${Math.trunc(mtimeMs)}`, ageMs }
      : { token: record.token, ageMs, record };
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is LockRecord {
  if (typeof value !== "object" || value === null) return false;
  const { pid, host, realm, started, token, since } = value as Partial<Record<keyof LockRecord, unknown>>;
  const texts = [host, realm, started, since];
  // The token becomes part of a file name.
  const isName = typeof token === "string" && /^[0-9a-z-]{1,40}$/.test(token);
  return typeof pid === "number" && texts.every((text) => typeof text === "string") && isName;
}

function isStale({ record, ageMs }: FoundLock): boolean {
  return (record !== undefined && isDead(record)) || ageMs > STALE_AFTER_MS;
}

function locked(file: string, found: FoundLock, waitedMs: number): OtaError<"package/locked"> {
  const seconds = Math.round(waitedMs / 1000);
  const message = `${file}: another command is working on this release line: ${describe(found)}; waited ${seconds} s for it`;
  const hint = `wait until it ends; if it is gone, remove ${file}`;
  return new OtaError("package/locked", message, detailsOf(file, found), { hint });
}

function detailsOf(file: string, found: FoundLock | undefined): OtaError<"package/locked">["details"] {
  const { record, ageMs = 0 } = found ?? {};
  const owner = record === undefined ? {} : { pid: record.pid, host: record.host };
  return { file, ...owner, ageSeconds: Math.round(ageMs / 1000) };
}

function describe({ record, ageMs }: FoundLock): string {
  const owner = record === undefined ? "an unknown process" : `process ${record.pid} on ${record.host}`;
  return `${owner}, for ${Math.round(ageMs / 1000)} s`;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
