import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { connectDevice, createDevice, startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { sha256, toHex } from "@tinybms/ota-core";
import { type ChipName, findPartition, parsePartitionTable } from "@tinybms/ota-core/esp";
import { runCli } from "@tinybms/ota-publisher";
import { expect, test } from "vitest";

const FIRMWARE = process.env.TINYBMS_FIRMWARE ?? fileURLToPath(new URL("../../shared/firmware", import.meta.url));
const isAbsent = !existsSync(FIRMWARE);
const WHY = isAbsent ? " (skipped: no real firmware in ../shared/firmware)" : "";
const APP_OFFSET = 0x10000;

interface Board {
  readonly chip: ChipName;
  readonly flashSizeBytes: number;
  /** Offset in flash → file of the firmware folder, as its README lays them out. */
  readonly files: Readonly<Record<number, string>>;
  readonly app: (release: string) => string;
}

const BOARDS: readonly Board[] = [
  {
    chip: "esp32",
    flashSizeBytes: 4 << 20,
    files: { 0: "boot/esp32_bootloader_v4.bin" },
    app: (release) => `${release}/WLED_${release}_ESP32.bin`,
  },
  {
    chip: "esp32c3",
    flashSizeBytes: 4 << 20,
    files: { 0: "boot/esp32-c3_bootloader_v2.bin" },
    app: (release) => `${release}/WLED_${release}_ESP32-C3.bin`,
  },
  {
    chip: "esp32s3",
    flashSizeBytes: 8 << 20,
    files: { 0: "boot/bootloader_s3.bin", 32768: "boot/partitions_s3_8m.bin", 57344: "boot/boot_app0.bin" },
    app: (release) => `${release}/WLED_${release}_ESP32-S3_8MB.bin`,
  },
];

function firmware(file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FIRMWARE, file)));
}

/** The flash of a board as its factory left it: bootloader, table, otadata and the first release. */
function factoryFlash(board: Board): Uint8Array {
  const flash = new Uint8Array(board.flashSizeBytes).fill(0xff);
  for (const [offset, file] of Object.entries(board.files)) flash.set(firmware(file), Number(offset));
  flash.set(firmware(board.app("0.14.3")), APP_OFFSET);
  return flash;
}

async function command(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const code = await runCli(argv, { stdout, stderr, env: {}, signal: new AbortController().signal });
  stdout.end();
  stderr.end();
  return { code, stdout: await out, stderr: await err };
}

test
  .skipIf(isAbsent)
  .for(BOARDS.flatMap((board) => (["ts", "c"] as const).map((agent) => [board.chip, agent, board] as const)))(
  `a real %s takes the next real release over a broker, into its other slot: agent %s${WHY}`,
  async ([chip, agent, board]) => {
    const folder = await mkdtemp(join(tmpdir(), "tinybms-real-"));
    const broker = await startEmbeddedBroker({});
    const flashDump = factoryFlash(board);
    const device = createDevice({ id: "bench-1", agent, chip, flashDump });
    const connection = connectDevice(device, broker.url);
    try {
      const binary = join(FIRMWARE, board.app("0.14.4"));
      const manifest = join(folder, "manifest.json");
      const channels = { mqtt: { broker: broker.url, topic: "tinybms/gateway/ota", rate: 0 } };
      const product = { name: "TinyBMS Web Gateway", hardware: "esp32" };
      const line = { schema_version: 1, product, deployment: { channels, default_protocols: ["mqtt"] }, versions: [] };
      await writeFile(manifest, JSON.stringify(line));
      const release = ["--manifest", manifest, "--version", "0.14.4"];

      const packaged = await command("package", "--binary", binary, "--update-manifest", ...release);
      expect(packaged.stderr).not.toContain("error[");
      expect(packaged.code).toBe(0);
      const deployed = await command("deploy", ...release, "--device", "bench-1", "--timeout", "60", "--json");
      expect(deployed.stderr).not.toContain("error[");
      const result = JSON.parse(deployed.stdout);
      expect(result).toMatchObject({
        version: "0.14.4",
        dryRun: false,
        deliveries: [{ transport: "mqtt", mode: "chunked", outcome: "delivered", devices: [{ state: "confirmed" }] }],
      });
      expect(deployed.code).toBe(0);

      const image = firmware(board.app("0.14.4"));
      const { entries } = parsePartitionTable(device.hardware.flash.truth(0x8000, 0xc00));
      const other = findPartition({ entries }, 0, 0x11);
      expect(device.summary()).toMatchObject({ state: "confirmed", slot: other?.label, bootCount: 2 });
      const slot = device.hardware.flash.truth(other?.offset ?? 0, image.length);
      expect(toHex(sha256(slot))).toBe(toHex(sha256(image)));
      expect(device.hardware.flash.violations).toEqual([]);
    } finally {
      await connection.stop();
      await broker.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
