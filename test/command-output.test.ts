import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { NVS_PAGE_SIZE } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";

const FULL = "/dev/full";
const isFullAbsent = !existsSync(FULL);
const MIB = 1024 * 1024;

/** A process that runs a command from its source and says on standard error how much memory it had at most. */
const CHILD = fileURLToPath(new URL("memory-in-child.ts", import.meta.url));

let folder: string;
let large: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-output-"));
  large = join(folder, "nvs.bin");
  writeFileSync(large, fullPartition(64 * MIB));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An NVS partition in which every entry of every page is another value: two million in 64 MiB. */
function fullPartition(size: number): Uint8Array {
  const bytes = Buffer.alloc(size, 0xff);
  for (let page = 0; page < size / NVS_PAGE_SIZE; page++) {
    const at = bytes.subarray(page * NVS_PAGE_SIZE, (page + 1) * NVS_PAGE_SIZE);
    at.writeUInt32LE(0xfffffffc, 0); // PageState::FULL
    at.writeUInt32LE(page, 4);
    at[8] = 0xfe;
    at.writeUInt32LE(crc32(at.subarray(4, 28), 0xffffffff), 28);
    at.fill(0xaa, 32, 64);
    at[63] = 0xfa; // 126 entries are written, and the map ends with unused bits
    for (let index = 0; index < 126; index++) {
      const entry = at.subarray(64 + index * 32, 96 + index * 32);
      const isNamespace = page === 0 && index === 0;
      entry.set([isNamespace ? 0 : 1, isNamespace ? 0x01 : 0x04, 1, 0xff]);
      entry.fill(0, 8, 24).write(isNamespace ? "cfg" : `k${page * 126 + index}`, 8);
      entry[24] = 1;
      entry.writeUInt32LE(crc32(entry.subarray(8, 32), crc32(entry.subarray(0, 4), 0xffffffff)), 4);
    }
  }
  return bytes;
}

function run(command: string, args: readonly string[], stdout: "pipe" | number = "pipe") {
  const node = ["--conditions=@tinybms/source", CHILD, command, ...args];
  return spawn(process.execPath, node, { stdio: ["ignore", stdout, "pipe"] });
}

test.for([[], ["--json"]])(
  "inspect %j of 64 MiB of NVS stays under 256 MiB, and says what it left out",
  async (options) => {
    const child = run("tinybms-ota", ["inspect", large, ...options]);
    if (child.stdout === null || child.stderr === null) throw new Error("it has no pipes");
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect(code).toBe(2);
    expect(out).toContain("only the first 524288 are read");
    const [, peak] = /^peak (\d+)$/m.exec(err) ?? [];
    expect(Number(peak)).toBeGreaterThan(64 * MIB);
    expect(Number(peak)).toBeLessThan(256 * MIB);
  },
);

test.for([
  ["tinybms-ota", ["inspect", "NVS"], 2],
  ["tinybms-ota", ["inspect", "NVS", "--json"], 2],
  ["tinybms-ota", ["deploy", "--help"], 0],
  ["tinybms-sim", ["run", "--help"], 0],
] as const)("%s %j survives a reader that goes away after a few bytes", async ([command, args, expected]) => {
  const child = run(
    command,
    args.map((arg) => (arg === "NVS" ? large : arg)),
  );
  if (child.stdout === null || child.stderr === null) throw new Error("it has no pipes");
  child.stdout.once("data", () => child.stdout?.destroy());
  const [err, [code, signal]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect([code, signal]).toEqual([expected, null]);
  expect(err).toMatch(/^peak \d+\n$/);
});

test.skipIf(isFullAbsent).for([
  ["tinybms-ota", ["inspect", "NVS", "--json"], 2],
  ["tinybms-ota", ["--help"], 1],
  ["tinybms-sim", ["--help"], 1],
] as const)("%s %j says in one line that its output went to a full disk", async ([command, args, expected]) => {
  const out = openSync(FULL, "w");
  const child = run(
    command,
    args.map((arg) => (arg === "NVS" ? large : arg)),
    out,
  );
  closeSync(out);
  if (child.stderr === null) throw new Error("it has no pipe");
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(err.replace(/^peak.*\n/m, "")).toBe("error[unexpected]: the output can't be written: ENOSPC\n");
  expect(code).toBe(expected);
});
