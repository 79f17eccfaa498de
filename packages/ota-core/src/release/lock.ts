import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OtaError } from "../errors.ts";
import { systemCodeOf } from "../manifest/load-file.ts";
import { createFileSync } from "./new-file.ts";
import { isDead, type ProcessOwner, thisProcess } from "./process-owner.ts";
import { temporaryPathOf } from "./write-atomically.ts";

/** A lock this old belongs to nobody any more, whatever its owner was, in milliseconds: packaging takes seconds. */
const STALE_AFTER_MS = 600_000;

/** Attempts are this far apart at first, and twice as far each time, in milliseconds. */
const WAIT_MS = { first: 2, most: 50 } as const;

/** How long to wait for a lock, and how to stop. */
export interface LockOptions {
  /** After this many milliseconds the lock is given up. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when somebody else has the lock. */
  readonly onWait?: ((owner: string) => void) | undefined;
}

/** A lock that this process has. */
export interface Lock {
  /** @throws {@link OtaError} `package/locked` when another process has taken it over meanwhile. */
  assertHeld(): void;
  release(): void;
}

/** What stands in a lock file. */
interface LockRecord extends ProcessOwner {
  /** Different for each taking. */
  readonly token: string;
  readonly since: string;
}

/** A lock file as it was found. */
interface FoundLock {
  readonly token: string;
  readonly ageMs: number;
  /** Absent where the file holds no record: somebody else's file, or one of a file system that lost it. */
  readonly record?: LockRecord;
}

/**
 * Takes a lock: a file that names its owner, and that one process at a time can create.
 *
 * A lock whose owner is certainly dead, or that is ten minutes old, is taken over. Removing it and creating it anew
 * would let two processes that both found it stale remove each other's. So whoever takes over a lock takes a second one
 * first, whose name holds the token of the stale one: only its holder may replace that very lock, and does so with one
 * rename. Should the holder die in between, its second lock is stale in turn, and taken over the same way.
 *
 * @param file - The lock file; its folder exists.
 * @throws {@link OtaError} `package/locked` after the time is over; the file system's own errors; the signal's reason.
 */
export async function acquireLock(file: string, { timeoutMs, signal, onWait }: LockOptions): Promise<Lock> {
  const start = performance.now();
  let waitMs: number = WAIT_MS.first;
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const lock = tryLock(file);
    if (lock !== undefined) return lock;
    const found = readLock(file);
    if (found === undefined) continue; // released just now
    if (isFirst) onWait?.(describe(found));
    const waitedMs = performance.now() - start;
    if (waitedMs >= timeoutMs) throw locked(file, found, waitedMs);
    await pause(waitMs, signal);
    waitMs = Math.min(WAIT_MS.most, waitMs * 2) * (0.75 + Math.random() / 2);
  }
}

/** Takes the lock if it is free or stale. */
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

/** Gives the candidate the lock's name too, if nothing has it: the lock appears with its record in it. */
function create(file: string, candidate: string, text: string): boolean {
  try {
    try {
      linkSync(candidate, file);
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return false;
      // A file system without hard links: there the record comes an instant after the file.
      createFileSync(file, text);
    }
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function takeOver(file: string, candidate: string): boolean {
  // The time of the file system that holds both files: a server's clock may differ from ours by more than ten minutes.
  const stale = readLock(file, statSync(candidate).mtimeMs);
  if (stale === undefined || !isStale(stale)) return false;
  const guard = tryLock(`${file}.${stale.token}`);
  if (guard === undefined) return false;
  try {
    // Another may have taken it over since, from the first look to the second lock.
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

/** A guard protects a lock that is there. Those of earlier ones are litter when their own process is gone. */
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
  const message = `${file}: another command is at work on this release line: ${describe(found)}; waited ${seconds} s for it`;
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
