// tinybms-sim twin judges dumps that esptool made of real files, with eFuses that espefuse read.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { runSimCli } from "@tinybms/firmware-sim";
import { buildAppImage, buildPartitionTable, parsePartitionCsv, SINGLEAPP_PARTITION_CSV } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIRMWARE, firmware, hasNoFirmware } from "./firmware-folder.ts";
import { hasNoJudges, type Job, JUDGES, judge } from "./judges-python.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-twin-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SKIPPED = hasNoJudges || hasNoFirmware;
const WHY = `${JUDGES}${FIRMWARE}`;
const path = (name: string) => join(folder, name);

async function put(name: string, content: Uint8Array): Promise<string> {
  await writeFile(path(name), content);
  return path(name);
}

async function run(...jobs: readonly Job[]): Promise<void> {
  for (const { ok, output } of await judge(jobs)) expect(ok, output).toBe(true);
}

/** esptool's own merge of files at offsets, as large as the flash. */
function merge(chip: string, output: string, size: string, parts: Readonly<Record<number, string>>): Job {
  const places = Object.entries(parts).flat();
  return { tool: "esptool", args: ["--chip", chip, "merge-bin", "-o", path(output), "--pad-to-size", size, ...places] };
}

async function twin(dump: string, update: string, ...more: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const args = ["twin", "--flash", path(dump), "--update", path(update), "--json", ...more];
  const code = await runSimCli(args, { stdout, stderr, env: {}, signal: new AbortController().signal });
  return { code, result: JSON.parse(String(stdout.read())) };
}

/** The boards of the real files: bootloader and all at 0, the app at 0x10000. */
async function writeBoards(): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    "boot.bin": "boot/esp32_bootloader_v4.bin",
    "old.bin": "0.14.3/WLED_0.14.3_ESP32.bin",
    "new.bin": "0.14.4/WLED_0.14.4_ESP32.bin",
    "boot_s3.bin": "boot/bootloader_s3.bin",
    "table_s3.bin": "boot/partitions_s3_8m.bin",
    "boot_app0.bin": "boot/boot_app0.bin",
    "old_s3.bin": "0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin",
    "new_s3.bin": "0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin",
    "new_c3.bin": "0.14.4/WLED_0.14.4_ESP32-C3.bin",
  };
  await Promise.all(Object.entries(files).map(([name, source]) => put(name, firmware(source))));
  // The second-stage bootloader alone lies at 0x1000 of the merged file.
  await put("boot_alone.bin", firmware("boot/esp32_bootloader_v4.bin").subarray(0x1000, 0x8000));
  await put("single.bin", buildPartitionTable(parsePartitionCsv(SINGLEAPP_PARTITION_CSV.replace("1M", "0x180000"))));
  // Of the same project, and larger than the slot of 1536 KiB.
  await put("large.bin", buildAppImage({ projectName: "esp32-arduino-lib-builder", sizeBytes: 0x181000 }));
}

test.skipIf(SKIPPED)(`yes to 0.14.4 on boards that esptool merged, and no for the right reason${WHY}`, async () => {
  await writeBoards();
  await run(
    merge("esp32", "esp32.dump", "4MB", { 0: path("boot.bin"), 65536: path("old.bin") }),
    merge("esp32s3", "s3.dump", "8MB", {
      0: path("boot_s3.bin"),
      32768: path("table_s3.bin"),
      57344: path("boot_app0.bin"),
      65536: path("old_s3.bin"),
    }),
    merge("esp32", "single.dump", "4MB", {
      4096: path("boot_alone.bin"),
      32768: path("single.bin"),
      65536: path("old.bin"),
    }),
  );
  for (const [dump, update] of [
    ["esp32.dump", "new.bin"],
    ["s3.dump", "new_s3.bin"],
  ] as const) {
    const { code, result } = await twin(dump, update, "--points", "60");
    expect({ code, verdict: result.verdict, reasons: result.reasons }).toEqual({
      code: 0,
      verdict: "yes",
      reasons: [],
    });
    expect(result.points).toBe(60);
    expect(result.found.slots.map(({ label, runs }: { label: string; runs: boolean }) => [label, runs])).toEqual([
      ["app0", true],
      ["app1", false],
    ]);
  }
  for (const [dump, update, reason] of [
    ["esp32.dump", "new_c3.bin", "image/wrong-chip"],
    ["esp32.dump", "large.bin", "offer/too-large"],
    ["single.dump", "new.bin", "image/no-ota-slots"],
  ] as const) {
    const { code, result } = await twin(dump, update);
    expect({ code, verdict: result.verdict, reasons: result.reasons }).toMatchObject({
      code: 1,
      verdict: "no",
      reasons: [{ code: reason }],
    });
  }
});

test.skipIf(SKIPPED)(`eFuses as espefuse prints them, and images as espsecure signs them, decide${WHY}`, async () => {
  await writeBoards();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const pem = path("key.pem");
  await writeFile(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
  const sign = (name: string): Job => {
    const args = ["sign-data", "--version", "2", "--keyfile", pem, "--output", path(`signed_${name}`), path(name)];
    return { tool: "espsecure", args };
  };
  const efuse = (chip: string, ...args: readonly string[]): Job => {
    const state = ["--virt", "--path-efuse-file", path(`${chip}.efuse`), "--do-not-confirm"];
    return { tool: "espefuse", args: ["--chip", chip, ...state, ...args] };
  };
  await run(
    ...["boot_s3.bin", "old_s3.bin", "new_s3.bin"].map(sign),
    merge("esp32s3", "signed.dump", "8MB", {
      0: path("signed_boot_s3.bin"),
      32768: path("table_s3.bin"),
      57344: path("boot_app0.bin"),
      65536: path("signed_old_s3.bin"),
    }),
    merge("esp32", "esp32.dump", "4MB", { 0: path("boot.bin"), 65536: path("old.bin") }),
    efuse("esp32s3", "burn-key-digest", "BLOCK_KEY0", pem, "SECURE_BOOT_DIGEST0"),
    efuse("esp32s3", "burn-efuse", "SECURE_BOOT_EN", "1"),
    efuse("esp32s3", "summary", "--format", "json", "--file", path("s3.json")),
    // Three bits: version 3, above the images' 0.
    efuse("esp32", "burn-efuse", "SECURE_VERSION", "0x7"),
    efuse("esp32", "summary", "--format", "json", "--file", path("esp32.json")),
  );
  expect(JSON.parse(await readFile(path("s3.json"), "utf8"))).toHaveProperty("SECURE_BOOT_EN");
  const unsigned = await twin("signed.dump", "new_s3.bin");
  expect(unsigned).toMatchObject({ code: 1, result: { verdict: "no", reasons: [{ code: "image/unsigned" }] } });
  const known = ["--efuse", path("s3.json")];
  expect(await twin("signed.dump", "new_s3.bin", ...known)).toMatchObject({
    code: 1,
    result: { verdict: "no", reasons: [{ code: "image/unsigned" }] },
  });
  expect(await twin("signed.dump", "signed_new_s3.bin", ...known, "--points", "8")).toMatchObject({
    code: 0,
    result: { verdict: "yes", reasons: [] },
  });
  expect(await twin("esp32.dump", "new.bin", "--efuse", path("esp32.json"))).toMatchObject({
    code: 1,
    result: { verdict: "no", reasons: [{ code: "offer/secure-version" }] },
  });
});
