import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNvsPartition, formatNvsCsv, type NvsEntryInput, readNvsPartition } from "@tinybms/ota-core/esp";
import { type BenchLine, compare } from "./bench-line.ts";

const SIZE_BYTES = 0x6000;
/** Starts of the Python tool that are measured, for the 1000 that provisioning would take. */
const STARTS = 5;
const ROUNDS = 10;
const DEVICES = 1000;
/** Reads are measured in groups, since one is shorter than the clock is good for. */
const READS = 50;
const READ_LIMIT_MS = 2;
const PYTHON = fileURLToPath(new URL("../.tools/python/bin/python", import.meta.url));

/**
 * A partition for each of 1000 devices by our writer, against as many starts of Espressif's generator, measured on 50; and
 * reading a partition of 24 KiB that is full, against the 2 ms it may take.
 */
export async function benchNvs(): Promise<readonly BenchLine[]> {
  if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is missing: run \`node scripts/python-tools.ts\` first`);
  const folder = mkdtempSync(join(tmpdir(), "tinybms-bench-nvs-"));
  try {
    const [csv, output] = [join(folder, "nvs.csv"), join(folder, "nvs.bin")];
    writeFileSync(csv, formatNvsCsv(deviceEntries(0)));
    const args = ["-m", "esp_idf_nvs_partition_gen", "generate", csv, output, `0x${SIZE_BYTES.toString(16)}`];
    startAll(args);
    const full = buildNvsPartition(fillingEntries(), { sizeBytes: SIZE_BYTES });
    return [
      await compare(`${DEVICES} NVS partitions, against starts of the generator`, 0.1, ROUNDS, {
        ours: async () => timeOf(() => buildAll(readFileSync(output))),
        plain: async () => (timeOf(() => startAll(args)) / STARTS) * DEVICES,
      }),
      await compare("reading an NVS partition of 24 KiB, against 2 ms", 1, ROUNDS, {
        ours: async () => timeOf(() => readAll(full)) / READS,
        plain: async () => READ_LIMIT_MS,
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a device is provisioned with: a few texts and numbers, a certificate and a key. */
function deviceEntries(device: number): readonly NvsEntryInput[] {
  const namespace = "tinybms";
  return [
    { namespace, key: "device_id", type: "string", value: `bms-${device}` },
    { namespace, key: "broker", type: "string", value: "mqtts://broker.example.com:8883" },
    { namespace, key: "password", type: "string", value: `secret-${device}`.repeat(4) },
    { namespace, key: "port", type: "u16", value: 8883 },
    { namespace, key: "serial", type: "u64", value: BigInt(device) },
    { namespace, key: "certificate", type: "blob", value: new Uint8Array(1400).fill(device & 255) },
    { namespace, key: "key", type: "blob", value: new Uint8Array(1200).fill(device & 127) },
  ];
}

/** Integers and texts until five pages are full; the sixth stays blank. */
function fillingEntries(): readonly NvsEntryInput[] {
  return Array.from({ length: 300 }, (_, index): NvsEntryInput => {
    const place = { namespace: `space-${index % 5}`, key: `key-${index}` };
    if (index % 2 === 0) return { ...place, type: "u32", value: index };
    return { ...place, type: "string", value: `value ${index}` };
  });
}

function buildAll(generated: Uint8Array): void {
  for (let device = 0; device < DEVICES; device++) {
    const bytes = buildNvsPartition(deviceEntries(device), { sizeBytes: SIZE_BYTES });
    if (device === 0 && Buffer.compare(bytes, generated) !== 0) throw new Error("the generator's bytes are others");
  }
}

function startAll(args: readonly string[]): void {
  for (let start = 0; start < STARTS; start++) {
    const { status, stderr } = spawnSync(PYTHON, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    if (status !== 0) throw new Error(`the generator ended with ${status}: ${stderr}`);
  }
}

function readAll(bytes: Uint8Array): void {
  for (let read = 0; read < READS; read++) {
    if (readNvsPartition(bytes).entries.length !== 300) throw new Error("entries are missing");
  }
}

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
