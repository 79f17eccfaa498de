import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NorFlash } from "../flash/nor-flash.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { FlashFile } from "./flash-file.ts";

const SIZE = 1 << 20;
const SECTOR = 4096;

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-flash-file-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const neverFails = (error: OtaError): void => {
  throw error;
};

function newFile(): string {
  return join(folder, `${++count}.bin`);
}

function inFile(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const descriptor = openSync(path, "r");
  readSync(descriptor, bytes, 0, length, offset);
  closeSync(descriptor);
  return bytes;
}

const operation = fc.record({
  sector: fc.integer({ min: 0, max: 3 }),
  kind: fc.constantFrom("erase", "program"),
  within: fc.integer({ min: 0, max: SECTOR - 700 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 700 }), // up to four pages
  /** A cut during the n-th page or erase from here, if there are so many. */
  cut: fc.option(fc.record({ operation: fc.integer({ min: 1, max: 4 }), seed: fc.nat() }), { freq: 4 }),
});

test("writes each operation to the file, including torn ones", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
      const flash = new NorFlash(SIZE);
      flash.load(0, new Uint8Array(2 * SECTOR).fill(0x5a)); // two sectors in use, two erased
      const path = newFile();
      const file = await FlashFile.keep(flash, path, true, neverFails);
      for (const { sector, kind, within, bytes, cut } of operations) {
        if (cut !== null) flash.cutPowerAt({ ...cut, moment: "during" });
        try {
          if (kind === "erase") flash.eraseSector(sector * SECTOR);
          else flash.program(sector * SECTOR + within, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(PowerCut);
          flash.powerOn();
        }
        flash.disarm();
        expect(inFile(path, 0, 5 * SECTOR)).toEqual(flash.truth(0, 5 * SECTOR));
      }
      file.close();
      expect(Buffer.compare(readFileSync(path), flash.dump())).toBe(0);
      await rm(path);
    }),
    { numRuns: 60 },
  );
});

test("writes an operation to the file before the software continues", async () => {
  const flash = new NorFlash(SIZE);
  const path = newFile();
  const file = await FlashFile.keep(flash, path, true, neverFails);
  const seen: number[] = [];
  flash.watch(() => seen.push(inFile(path, 0x100, 1)[0]!)); // tells of each operation before it is carried out
  flash.program(0x80, new Uint8Array(0x200).fill(0x0f)); // three pages
  expect(seen).toEqual([0xff, 0xff, 0x0f]);
  file.close();
});

test("stops changing the file when it is closed, and ignores snapshots", async () => {
  const flash = new NorFlash(SIZE);
  const path = newFile();
  const file = await FlashFile.keep(flash, path, true, neverFails);
  flash.snapshot().program(0, Uint8Array.of(0));
  file.close();
  flash.program(0, Uint8Array.of(0));
  expect(inFile(path, 0, 1)).toEqual(Uint8Array.of(0xff));
});

test("keeps an existing file unchanged until the first operation", async () => {
  const path = newFile();
  await writeFile(path, new Uint8Array(SIZE).fill(0x33));
  const flash = new NorFlash(SIZE);
  flash.load(0, new Uint8Array(SIZE).fill(0x33));
  const file = await FlashFile.keep(flash, path, false, neverFails);
  flash.program(SECTOR, Uint8Array.of(0x03));
  file.close();
  expect(inFile(path, SECTOR - 1, 3)).toEqual(Uint8Array.of(0x33, 0x03, 0x33));
});

test("names a file that can't be written", async () => {
  const path = join(folder, "nowhere", "flash.bin");
  const kept = FlashFile.keep(new NorFlash(SIZE), path, true, neverFails);
  await expect(kept).rejects.toMatchObject({ code: "simulation/file-unwritable", details: { file: path } });
});

test.skipIf(!existsSync("/dev/full"))("reports a full disk once, and writes nothing after the gap", async () => {
  const failures: OtaError[] = [];
  const flash = new NorFlash(SIZE);
  const file = await FlashFile.keep(flash, "/dev/full", false, (error) => failures.push(error)); // each write: ENOSPC
  flash.program(0, new Uint8Array(0x300));
  file.close();
  expect(failures).toMatchObject([
    { code: "simulation/file-unwritable", message: "/dev/full can't be written (ENOSPC)" },
  ]);
});
