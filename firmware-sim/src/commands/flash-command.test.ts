import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { sha256, toHex } from "@tinybms/ota-core";
import {
  buildAppImage,
  parseAppImage,
  parseOtadata,
  parsePartitionTable,
  TWO_OTA_LARGE_PARTITION_CSV,
  TWO_OTA_PARTITION_CSV,
  verifyAppImage,
} from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../cli.ts";

const APP = buildAppImage({ version: "1.2.3", sizeBytes: 40_000, seed: 3 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-flash-"));
  await Promise.all([
    file("app.bin", APP),
    file("c3.bin", buildAppImage({ chip: "esp32c3" })),
    file("torn.bin", APP.subarray(0, 30_000)),
    file("large.bin", buildAppImage({ sizeBytes: 1_100_000 })),
    file("boot.bin", buildAppImage({ sizeBytes: 20_000, seed: 4 })),
    file("boot-large.bin", buildAppImage({ sizeBytes: 30_000 })),
    file("nvs.bin", new Uint8Array(0x4000).fill(0xff)),
    file("two.csv", TWO_OTA_PARTITION_CSV),
    file("no-app.csv", "nvs,data,nvs,0x9000,0x4000\nota_1,app,ota_1,0x10000,1M\n"),
    file("no-nvs.csv", "ota_0,app,ota_0,0x10000,1M\n"),
    file("large.csv", "ota_0,app,ota_0,0x10000,7M\n"),
    file("otadata.bin", new Uint8Array(0x2000).fill(0xff)),
  ]);
});

test("accepts a partition table at another offset, with a CSV without a bootloader offset", async () => {
  await file(
    "rows.csv",
    "b,bootloader,primary,N/A,N/A\nt,partition_table,primary,,\nnvs,data,nvs,,0x4000\napp,app,factory,,1M\n",
  );
  const args = ["--app", "app.bin", "--partition-table", "rows.csv", "--partition-table-offset", "0xc000"];
  const { code, err } = await flash("--output", "out.bin", ...args);
  expect(code, err).toBe(0);
  const bytes = new Uint8Array(await readFile(join(folder, "out.bin")));
  expect(parsePartitionTable(bytes.subarray(0xc000)).entries.map(({ offset, size }) => [offset, size])).toEqual([
    [0x1000, 0xb000],
    [0xc000, 0x1000],
    [0xd000, 0x4000],
    [0x2_0000, 0x10_0000],
  ]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: Uint8Array | string): Promise<void> {
  await writeFile(join(folder, name), content);
}

/** Runs the command on files of the folder: an argument that ends like a file is one. */
function flash(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return sim("flash", ...args);
}

async function sim(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const inFolder = args.map((arg) => arg.replace(/^(\w+=)?([\w-]+\.(?:bin|csv))$/, `$1${folder}/$2`));
  const io = { stdout, stderr, env: {}, signal: new AbortController().signal };
  const code = await runSimCli(inFolder, io);
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

test("puts every part at its offset and prints it", async () => {
  const args = ["--app", "app.bin", "--partition-table", "two.csv", "--bootloader", "boot.bin", "--nvs", "nvs.bin"];
  const { code, out } = await flash("--output", "out.bin", ...args, "--partition", "ota_1=app.bin", "--json");
  expect(code).toBe(0);
  const bytes = Uint8Array.from(await readFile(join(folder, "out.bin")));
  const part = (name: string, offset: number, size: number) => expect.objectContaining({ name, offset, size });
  expect(JSON.parse(out)).toEqual({
    output: join(folder, "out.bin"),
    chip: "esp32",
    size: 4 * 2 ** 20,
    sha256: toHex(sha256(bytes)),
    parts: [
      part("bootloader", 0x1000, 20_000),
      part("partition-table", 0x8000, 3072),
      part("nvs", 0x9000, 0x4000),
      part("factory", 0x10000, 40_000),
      part("ota_1", 0x210000, 40_000),
    ],
  });
  for (const offset of [0x10000, 0x210000]) expect(bytes.subarray(offset, offset + APP.length)).toEqual(APP);
  // What nothing was put into is erased, otadata among it: the factory app starts.
  expect(parseOtadata(bytes.subarray(0xd000, 0xf000)).active).toBeUndefined();
  expect(bytes[0x10000 + APP.length]).toBe(0xff);
});

test("puts the app into ota_0 of the default table, and notes the missing bootloader", async () => {
  const { code, out, err } = await flash("--output", "out.bin", "--app", "app.bin");
  expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("without --bootloader, only") });
  expect(out).toContain("0x020000     40000  ota_0  ");
  expect(TWO_OTA_LARGE_PARTITION_CSV).toContain("ota_0");
});

test("--flash-size changes the bootloader's header and the hash over it", async () => {
  await flash("--output", "out.bin", "--app", "app.bin", "--bootloader", "boot.bin", "--flash-size", "16MB");
  const bytes = Uint8Array.from(await readFile(join(folder, "out.bin")));
  expect(bytes.length).toBe(16 * 2 ** 20);
  const bootloader = parseAppImage(bytes.subarray(0x1000, 0x8000));
  verifyAppImage(bootloader);
  expect(bootloader.header.spiSize).toBe(4); // 2^4 MB
});

test("builds a file that run --flash continues from, and run lists the ignored options", async () => {
  await flash("--output", "kept.bin", "--app", "c3.bin", "--partition", "ota_1=c3.bin");
  const made = await readFile(join(folder, "kept.bin"));
  const run = () => {
    const args = ["--flash", "kept.bin", "--app", "app.bin", "--nvs", "nvs.bin", "--timeout", "0.3", "--json"];
    return sim("run", "--broker", "embedded://127.0.0.1:0", ...args);
  };
  const first = await run();
  expect(JSON.parse(first.out)).toMatchObject({ devices: [{ version: "1.0.0", slot: "ota_0", bootCount: 1 }] });
  expect(first.err).toContain("kept.bin holds the device; ignored, because only a new flash uses them: --app, --nvs");
  const kept = await readFile(join(folder, "kept.bin"));
  expect(kept.length).toBe(made.length);
  expect(kept.equals(made)).toBe(false); // the agent has counted its start
  expect(JSON.parse((await run()).out)).toMatchObject({ devices: [{ bootCount: 2 }] });
});

test.for([
  [["--app", "large.bin", "--partition-table", "two.csv"], "simulation/does-not-fit", "but factory holds only 1048576"],
  [["--app", "app.bin", "--partition-table", "no-app.csv"], "simulation/does-not-fit", "no factory, and no ota_0"],
  [["--app", "app.bin", "--partition-table", "no-nvs.csv", "--nvs", "nvs.bin"], "simulation/does-not-fit", "no nvs"],
  [["--app", "app.bin", "--nvs", "nvs.bin"], "simulation/does-not-fit", "16384 bytes, but partition nvs has 24576"],
  [["--app", "app.bin", "--partition", "ota_7=app.bin"], "simulation/does-not-fit", "has no ota_7"],
  [["--app", "app.bin", "--partition", "app.bin"], "arguments/invalid", "it must be LABEL=FILE"],
  [
    ["--app", "app.bin", "--partition", "ota_0=app.bin"],
    "arguments/invalid",
    "two files are given for partition ota_0",
  ],
  [
    ["--app", "app.bin", "--partition-table", "large.csv", "--flash-size", "4MB"],
    "simulation/does-not-fit",
    "ota_0 ends at 0x710000",
  ],
  [["--app", "app.bin", "--flash-size", "5MB"], "arguments/invalid", "1MB, 2MB"],
  [
    ["--app", "app.bin", "--bootloader", "boot-large.bin"],
    "simulation/does-not-fit",
    "the space before the partition table holds only 28672",
  ],
  [["--app", "app.bin", "--bootloader", "c3.bin"], "image/wrong-chip", "is for esp32c3, but the app is for esp32"],
  [["--app", "app.bin", "--chip", "esp32s3"], "image/wrong-chip", "is for esp32, and --chip is esp32s3"],
  [["--app", "torn.bin"], "image/truncated", "torn.bin: the image ends at 30000"],
  [["--app", "nvs.bin"], "image/bad-magic", "nvs.bin: the image begins with 0xff"],
  [["--app", "app.bin", "--partition-table", "app.bin"], "image/partition-csv-invalid", "app.bin: "],
  [["--app", "missing.bin"], "simulation/file-unreadable", "missing.bin can't be read (ENOENT)"],
  [["--app", "app.bin", "--output", "/nowhere/out.bin"], "simulation/file-unwritable", "ENOENT"],
  [
    ["--app", "app.bin", "--bootloader", "boot.bin", "--partition-table", "nvs.bin"],
    "image/partition-csv-invalid",
    "nvs.bin: ",
  ],
] as const)("%j is refused with %s", async ([args, errorCode, why]) => {
  const { code, out } = await flash("--output", "refused.bin", ...args, "--json");
  const { error } = JSON.parse(out);
  expect(error).toMatchObject({ code: errorCode, message: expect.stringContaining(why) });
  expect(code).toBe(2);
  await expect(readFile(join(folder, "refused.bin"))).rejects.toThrow("ENOENT");
});
