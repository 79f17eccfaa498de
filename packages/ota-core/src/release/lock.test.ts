import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireLock, type LockOptions } from "./lock.ts";
import { thisProcess } from "./process-owner.ts";

const PID_OF_NOBODY = 2 ** 22 + 1; // above the largest pid_max of Linux

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-lock-"));
  file = join(folder, ".manifest.json.lock");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const acquire = (options: Partial<LockOptions> = {}) => acquireLock(file, { timeoutMs: 0, ...options });

function writeLock(path: string, owner: object = {}): void {
  const record = { ...thisProcess(), token: "1-abc", since: "2026-01-31T12:00:00.000Z", ...owner };
  writeFileSync(path, JSON.stringify(record));
}

test("a lock states its owner, excludes others and is free after its release", async () => {
  const lock = await acquire();
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ pid: process.pid, host: thisProcess().host });
  await expect(acquire()).rejects.toMatchObject({
    code: "package/locked",
    message: expect.stringMatching(new RegExp(`process ${process.pid} on .*, for 0 s; waited 0 s`)),
    details: { file, pid: process.pid, ageSeconds: 0 },
    hint: expect.stringContaining(`remove ${file}`),
  });
  lock.assertHeld();
  lock.release();
  (await acquire()).release();
  expect(readdirSync(folder)).toEqual([]);
});

test("a waiting process reports the owner once, and gets the lock when it is released", async () => {
  const lock = await acquire();
  const owners: string[] = [];
  const waiting = acquire({ timeoutMs: 10_000, onWait: (owner) => owners.push(owner) });
  await expect.poll(() => owners).toEqual([expect.stringContaining(`process ${process.pid}`)]);
  lock.release();
  (await waiting).release();
  expect(owners.length).toBe(1);
});

test("an aborted wait ends with the signal's reason", async () => {
  const lock = await acquire();
  const controller = new AbortController();
  const waiting = acquire({ timeoutMs: 10_000, signal: controller.signal, onWait: () => controller.abort("enough") });
  await expect(waiting).rejects.toBe("enough");
  lock.release();
});

test("the lock of a dead process is taken over; that of an unknown process is not", async () => {
  writeLock(file, { pid: PID_OF_NOBODY });
  (await acquire()).release();
  expect(readdirSync(folder)).toEqual([]);
  writeLock(file, { pid: PID_OF_NOBODY, realm: "another host", host: "elsewhere" });
  await expect(acquire()).rejects.toMatchObject({ details: { pid: PID_OF_NOBODY, host: "elsewhere" } });
});

test.for([
  ["of a live process", (path: string) => writeLock(path)],
  ["of another machine", (path: string) => writeLock(path, { realm: "another host" })],
  ["without a record", (path: string) => writeFileSync(path, "")],
  ["with something else in it", (path: string) => writeFileSync(path, '{"token":"../../etc"}')],
] as const)("a lock %s is taken over when it is ten minutes old, not earlier", async ([, write]) => {
  write(file);
  const setAge = (seconds: number): void => utimesSync(file, Date.now() / 1000, Date.now() / 1000 - seconds);
  setAge(590);
  await expect(acquire()).rejects.toMatchObject({ code: "package/locked", details: { ageSeconds: 590 } });
  setAge(610);
  (await acquire()).release();
  expect(readdirSync(folder)).toEqual([]);
});

test("a process that lost its lock fails before it writes and leaves the new lock alone", async () => {
  const slow = await acquire();
  utimesSync(file, 0, 0);
  const other = await acquire();
  expect(() => slow.assertHeld()).toThrow(/was taken over, and process \d+ on .* has it now; nothing was changed/);
  slow.release();
  other.assertHeld();
  other.release();
  expect(() => other.assertHeld()).toThrow("and it is gone");
});

test("exactly one process gets a stale lock, even after another died while taking it over", async () => {
  for (const deaths of [0, 1, 2, 3]) {
    let path = file;
    for (let death = 0; death <= deaths; death++) {
      writeLock(path, { pid: PID_OF_NOBODY, token: `${death}-dead` });
      path = `${path}.${death}-dead`;
    }
    let holders = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      const lock = await acquire({ timeoutMs: 10_000 });
      holders++;
      most = Math.max(most, holders);
      await new Promise((resolve) => setImmediate(resolve));
      lock.assertHeld();
      holders--;
      lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(most).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("a stale lock is left alone while another process takes it over", async () => {
  writeLock(file, { pid: PID_OF_NOBODY });
  writeLock(`${file}.1-abc`); // its guard, of a live process
  await expect(acquire()).rejects.toMatchObject({ code: "package/locked" });
  expect(readdirSync(folder).sort()).toEqual([basename(file), `${basename(file)}.1-abc`]);
});
