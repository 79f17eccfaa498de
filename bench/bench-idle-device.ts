import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ContentCache, createDevice, createHardware, type Hardware, type SimulatedDevice } from "@tinybms/firmware-sim";
import { buildAppImage } from "@tinybms/ota-core/esp";
import type { BenchLine } from "./bench-line.ts";
import { median } from "./bench-line.ts";

const DEVICES = 500;
const BOOT_LIMIT_MS = 2;
const MEMORY_LIMIT_KIB = 100;

/** What the process of its own prints. */
interface IdleDevices {
  /** Milliseconds of one boot, the median. */
  readonly bootMs: number;
  /** Memory of one device, in KiB. */
  readonly kib: number;
}

/**
 * What a device costs that has booted and does nothing, beside the flash that it shares with all others; and a boot whose
 * image was verified before. Nothing is compared: the limits are the other side. In a process of its own, whose memory
 * nothing else has used.
 */
export async function benchIdleDevice(): Promise<readonly BenchLine[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, import.meta.filename]);
  const { bootMs, kib } = JSON.parse(stdout) as IdleDevices;
  return [
    {
      name: "boot of a device whose image is verified",
      ours: bootMs,
      plain: BOOT_LIMIT_MS,
      ratio: bootMs / BOOT_LIMIT_MS,
      limit: 1,
    },
    {
      name: `one of ${DEVICES} idle devices`,
      ours: kib,
      plain: MEMORY_LIMIT_KIB,
      unit: "KiB",
      ratio: kib / MEMORY_LIMIT_KIB,
      limit: 1,
    },
  ];
}

async function measure(): Promise<IdleDevices> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("the bench needs node --expose-gc");
  const board = createHardware({ app: buildAppImage({ version: "1.0.0", sizeBytes: 1_286_096 }) });
  board.flash.rememberIn(new ContentCache());
  start(board, 0);
  await gc({ type: "major", execution: "async" });
  const before = memoryBytes();
  const devices: SimulatedDevice[] = [];
  const bootsMs: number[] = [];
  for (let index = 1; index <= DEVICES; index++) {
    const began = performance.now();
    devices.push(start(board, index));
    bootsMs.push(performance.now() - began);
  }
  await gc({ type: "major", execution: "async" });
  const kib = (memoryBytes() - before) / DEVICES / 1024;
  if (devices.some(({ status }) => status !== "running")) throw new Error("a device does not run");
  return { bootMs: median(bootsMs), kib };
}

function start(board: Hardware, index: number): SimulatedDevice {
  const hardware = { chip: board.chip, efuse: board.efuse.copy(), flash: board.flash.snapshot() };
  const device = createDevice({ id: `bench-${index}`, hardware });
  device.boot(0);
  return device;
}

function memoryBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (import.meta.main) console.log(JSON.stringify(await measure()));
