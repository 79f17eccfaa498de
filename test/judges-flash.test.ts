// tinybms-sim flash makes of the same parts what esptool merge-bin makes of them.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { runSimCli } from "@tinybms/firmware-sim";
import { equalBytes } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildPartitionTable,
  type ChipName,
  chipByName,
  parsePartitionCsv,
  TWO_OTA_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIRMWARE, firmware, hasNoFirmware } from "./firmware-folder.ts";
import { hasNoJudges, type Job, JUDGES, judge } from "./judges-python.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-flash-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function sim(...args: readonly string[]): Promise<void> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const err = text(stderr);
  stdout.resume();
  const code = await runSimCli(args, { stdout, stderr, env: {}, signal: new AbortController().signal });
  stderr.end();
  expect(code, await err).toBe(0);
}

/** esptool's own merge of files at offsets, padded to a flash's size. */
function merge(
  chip: ChipName,
  output: string,
  size: string,
  parts: Readonly<Record<number, string>>,
  ...more: string[]
): Job {
  const places = Object.entries(parts).flat();
  return {
    tool: "esptool",
    args: ["--chip", chip, "merge-bin", "-o", output, "--pad-to-size", size, ...more, ...places],
  };
}

async function expectSame(jobs: readonly (readonly [job: Job, ours: string, theirs: string])[]): Promise<void> {
  for (const { ok, output } of await judge(jobs.map(([job]) => job))) expect(ok, output).toBe(true);
  for (const [, ours, theirs] of jobs) {
    expect(equalBytes(await readFile(ours), await readFile(theirs)), ours).toBe(true);
  }
}

test.skipIf(hasNoJudges)(`flash and merge-bin make the same of made-up parts${JUDGES}`, async () => {
  const jobs: (readonly [Job, string, string])[] = [];
  const csv = await file("table.csv", TWO_OTA_PARTITION_CSV);
  const table = await file("table.bin", buildPartitionTable(parsePartitionCsv(TWO_OTA_PARTITION_CSV)));
  const nvs = await file("nvs.bin", new Uint8Array(0x4000).fill(0xa5)); // as large as the partition, whatever it holds
  for (const chip of ["esp32", "esp32c3", "esp32p4"] as const) {
    const { bootloaderOffset } = chipByName(chip)!;
    const app = await file(`${chip}.app`, buildAppImage({ chip, sizeBytes: 200_000, seed: 2 }));
    const next = await file(`${chip}.next`, buildAppImage({ chip, sizeBytes: 70_000, seed: 3 }));
    // Like a bootloader, it is an image with a hash; its header says 4 MB.
    const boot = await file(`${chip}.boot`, buildAppImage({ chip, sizeBytes: 20_000, seed: 4 }));
    const parts = { [bootloaderOffset]: boot, 32768: table, 36864: nvs, 65536: app, 1114112: next };
    const given = ["--app", app, "--bootloader", boot, "--nvs", nvs, "--partition", `ota_0=${next}`];
    for (const size of ["4MB", "8MB"]) {
      const [ours, theirs] = [join(folder, `${chip}-${size}.ours`), join(folder, `${chip}-${size}.theirs`)];
      await sim("flash", "--output", ours, ...given, "--partition-table", csv, "--flash-size", size);
      jobs.push([merge(chip, theirs, size, parts, "--flash-size", size), ours, theirs]);
    }
  }
  await expectSame(jobs);
});

test.skipIf(hasNoJudges || hasNoFirmware)(
  `flash and merge-bin make the same of a real S3 board${JUDGES}${FIRMWARE}`,
  async () => {
    const [boot, table, otadata, app] = await Promise.all([
      file("boot.bin", firmware("boot/bootloader_s3.bin")),
      file("partitions.bin", firmware("boot/partitions_s3_8m.bin")),
      file("boot_app0.bin", firmware("boot/boot_app0.bin")),
      file("wled.bin", firmware("0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin")),
    ]);
    const parts = { 0: boot, 32768: table, 57344: otadata, 65536: app };
    const given = ["--app", app, "--bootloader", boot, "--partition-table", table, "--partition", `otadata=${otadata}`];
    const [ours, theirs] = [join(folder, "s3.ours"), join(folder, "s3.theirs")];
    await sim("flash", "--output", ours, ...given);
    await sim("flash", "--output", `${ours}.16`, ...given, "--flash-size", "16MB");
    await expectSame([
      [merge("esp32s3", theirs, "8MB", parts), ours, theirs],
      [merge("esp32s3", `${theirs}.16`, "16MB", parts, "--flash-size", "16MB"), `${ours}.16`, `${theirs}.16`],
    ]);
  },
);
