import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { utf8 } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildNvsEntry,
  buildNvsPageHeader,
  buildNvsVariableData,
  buildPartitionTable,
  inspectImage,
  NvsType,
  nvsKeyFromText,
  parsePartitionCsv,
  SINGLEAPP_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../../test/release-line.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-inspect-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(bytes: Uint8Array): string {
  const file = join(folder, "some.bin");
  writeFileSync(file, bytes);
  return file;
}

const inspect = (bytes: Uint8Array, ...options: string[]) => runCommand(["inspect", fileOf(bytes), ...options]);

const IMAGE = buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 150_000 });
const SINGLEAPP = buildPartitionTable(parsePartitionCsv(SINGLEAPP_PARTITION_CSV));
/** A password as it lies in NVS, in three pages. */
const SECRET = "hunter2hunter2";

function nvsWithSecret(): Uint8Array {
  const bytes = new Uint8Array(3 * 4096).fill(0xff);
  bytes.set(buildNvsPageHeader(0, 0xfe));
  bytes[32] = 0b1010_1010; // entries 0 to 3 written
  const common = { chunkIndex: 0xff };
  const payload = utf8(`${SECRET}\0`);
  const key = (text: string) => nvsKeyFromText(text).bytes;
  const namespace = { namespaceIndex: 0, type: NvsType.u8, span: 1, key: key("wifi"), data: Uint8Array.of(1) };
  const channel = { namespaceIndex: 1, type: NvsType.u8, span: 1, key: key("channel"), data: Uint8Array.of(11) };
  const text = {
    namespaceIndex: 1,
    type: NvsType.string,
    span: 2,
    key: key("password"),
    data: buildNvsVariableData(payload),
  };
  for (const [index, entry] of [namespace, channel, text].entries()) {
    bytes.set(buildNvsEntry({ ...entry, ...common }), 64 + 32 * index);
  }
  bytes.set(payload, 64 + 32 * 3);
  return bytes;
}

test("ends with 0 for a valid file, and prints only the inspection with --json", async () => {
  const { exitCode, stdout, stderr } = await inspect(IMAGE, "--json");
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual(inspectImage(IMAGE));
});

test("prints fields in columns for people, without color if there is no terminal", async () => {
  const { exitCode, stdout } = await inspect(IMAGE);
  expect(exitCode).toBe(0);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/some\.bin: app image for the esp32, valid$/);
  expect(lines).toContain("  size              150000 bytes (0x249f0)");
  expect(lines).toContain("  version           1.2.3");
  expect(lines).toContain("  segment  offset    size      bytes  load address  memory");
  expect(stdout).not.toContain("\u001b");
});

test("ends with 2 for an invalid file and lists every problem with its place", async () => {
  const damaged = IMAGE.slice();
  damaged[5000]! ^= 1;
  const { exitCode, stdout } = await inspect(damaged);
  expect(exitCode).toBe(2);
  expect(stdout).toMatch(/some\.bin: app image for the esp32, 2 problems\n/);
  expect(stdout).toContain("image/checksum-mismatch: the checksum is 0x");
  expect(stdout).toContain(`(offset 0x${(IMAGE.length - 32).toString(16)})`);
  const json = await inspect(damaged, "--json");
  expect(json.exitCode).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({ type: "app-image", valid: false });
});

test("with --quiet prints nothing for a valid file, and the problems of another", async () => {
  expect(await inspect(IMAGE, "--quiet")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  const { exitCode, stdout } = await inspect(utf8("hello"), "--quiet");
  expect(exitCode).toBe(2);
  expect(stdout).toContain("this is a text file");
});

test("says that OTA is not possible with only factory, and shows a table that allows it", async () => {
  const { exitCode, stdout } = await inspect(SINGLEAPP, "--flash-size", "8MB");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("  OTA possible      no");
  expect(stdout).toContain("OTA is not possible with this table: it has no OTA slot");
  const csv = stdout.slice(stdout.indexOf("    # ESP-IDF Partition Table"));
  const { entries } = parsePartitionCsv(csv);
  expect(entries.map(({ label }) => label)).toEqual(["nvs", "phy_init", "otadata", "ota_0", "ota_1"]);
  expect(Math.max(...entries.map(({ offset, size }) => offset + size))).toBeLessThanOrEqual(8 * 1024 * 1024);
});

test.for([[[]], [["--json"]], [["--verbose"]]] as const)(
  "values of NVS that may be secrets are hidden with %j",
  async ([options]) => {
    const { exitCode, stdout, stderr } = await inspect(nvsWithSecret(), ...options);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("password");
    expect(stdout).toContain("11"); // numbers are no secrets
    expect(stdout + stderr).not.toContain(SECRET);
    const shown = await inspect(nvsWithSecret(), ...options, "--show-secrets");
    expect(shown.stdout).toContain(SECRET);
  },
);

test("accepts the offsets of table and bootloader as options", async () => {
  const csv = utf8("b,bootloader,primary,N/A,N/A\nnvs,data,nvs,,0x4000\n");
  const unknown = await inspect(csv);
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stdout).toContain("Primary bootloader offset is not defined; pass --primary-bootloader-offset:");
  for (const place of ["0x2000", "esp32p4", "ESP32-P4"]) {
    const args = ["--json", "--partition-table-offset", "0x10000", "--primary-bootloader-offset", place];
    const { exitCode, stdout } = await inspect(csv, ...args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).partitions).toMatchObject([
      { offset: 0x2000, size: 0xe000 },
      { offset: 0x1_1000, size: 0x4000 },
    ]);
  }
});

test("says where a merged image goes that begins with its bootloader", async () => {
  const path = fileURLToPath(
    new URL("../../../../test/fixtures/formats/F1-merged-esp32-begins-at-0x1000.bin", import.meta.url),
  );
  const { exitCode, stdout } = await runCommand(["inspect", path]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/ {2}goes to +0x1000\n {2}bootloader +at 0x1000\n {2}partition table +at 0x8000\n/);
});

test("removes terminal sequences from text in a file", async () => {
  const { stdout } = await inspect(buildAppImage({ projectName: "a\u001b[2Jb", version: "1" }));
  expect(stdout).toContain("ab");
  expect(stdout).not.toContain("\u001b");
});

test.for([
  ["flash", "nvs,data,nvs,,0x5000\nota_0,app,ota_0,,0x20000\n", "flash"],
  ["otadata", undefined, "otadata partition"],
  ["signature", undefined, "Secure Boot v2 signature without its image"],
] as const)("prints a %s in columns", async ([what, csv, title]) => {
  const bytes = new Uint8Array({ flash: 0x4_0000, otadata: 8192, signature: 1216 }[what]).fill(0xff);
  if (csv !== undefined) {
    bytes.set(buildPartitionTable(parsePartitionCsv(csv)), 0x8000);
    bytes.set(nvsWithSecret(), 0x9000);
    bytes.set(IMAGE.subarray(0, 0x2_0000), 0x1_0000);
  }
  if (what === "otadata") bytes.set([1, 0, 0, 0]);
  if (what === "otadata") bytes.set([2, 0, 0, 0, 0x9a, 0x98, 0x43, 0x47], 24); // state VALID, CRC of sequence 1
  if (what === "signature") bytes.set([0xe7, 2, 0, 0]);
  const { stdout } = await inspect(bytes);
  expect(stdout.split("\n")[0]).toContain(`some.bin: ${title}`);
  expect(stdout).not.toMatch(/undefined|null|NaN|\[object/);
  expect(stdout).not.toContain(SECRET);
});

test.for([
  ["a file that is not there", "nowhere.bin", "can't be opened (ENOENT)"],
  ["a folder", "sub", "is a folder"],
] as const)("%s ends with exit code 2 and a message", async ([, name, text]) => {
  mkdirSync(join(folder, "sub"));
  const { exitCode, stdout, stderr } = await runCommand(["inspect", join(folder, name)]);
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("error[image/file-unreadable]");
  expect(stderr).toContain(text);
});

test.for([
  [["inspect"], "file"],
  [["inspect", "a", "b"], "argument"],
  [["inspect", "a", "--flash-size", "big"], "--flash-size"],
  [["inspect", "a", "--flash-size", "1"], "--flash-size"],
] as const)("%j is refused", async ([args, text]) => {
  const { exitCode, stderr } = await runCommand(args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^error\[arguments\/invalid\]: /);
  expect(stderr).toContain(text);
});
