import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  APP_IMAGE_HEADER_SIZE,
  buildAppImage,
  type ChipName,
  chipById,
  isDeviceId,
  OtaError,
  type PartitionTable,
  parseAppImage,
  parseAppImageHeader,
  parsePartitionCsv,
  parsePartitionTable,
  topicsOf,
  verifyAppImage,
} from "@tinybms/ota-core";
import type { Hardware } from "../boot/boot-options.ts";
import { createHardware, type FlashContents } from "../create-device.ts";
import { type Fault, faultsOf } from "../fault/fault.ts";
import { parseFault, parseFaultsJson } from "../fault/parse-fault.ts";

/** Options of `run` that say what the devices are. */
export interface DeviceInputOptions {
  readonly topic: string;
  readonly devices: number;
  readonly id: string;
  readonly app?: string;
  readonly chip?: ChipName;
  readonly partitionTable?: string;
  readonly bootloader?: string;
  readonly flash?: string;
  readonly fault?: readonly string[];
}

/** The devices that a command is to run. */
export interface DeviceInputs {
  readonly ids: readonly string[];
  /** A board as its factory flashed it: each device gets a copy. */
  readonly hardware: Hardware;
  readonly faults: readonly Fault[];
}

/** The first two bytes of a partition table in binary form. */
const TABLE_MAGIC: readonly number[] = [0xaa, 0x50];

/** What devices run where nobody says: small, and of the example release line's project. */
const DEFAULT_APP = { projectName: "tinybms-gateway", version: "1.0.0", sizeBytes: 256 * 1024, seed: 1 } as const;

/**
 * Reads everything that the options name, before anything is started.
 *
 * @throws OtaError `arguments/invalid` for names that can't stand in topics, `simulation/…` for files and faults,
 *   `image/…` for contents.
 */
export async function readDeviceInputs(options: DeviceInputOptions): Promise<DeviceInputs> {
  const ids = Array.from({ length: options.devices }, (_, index) => `${options.id}-${index + 1}`);
  const invalidId = ids.find((id) => !isDeviceId(id));
  if (invalidId !== undefined) {
    const rule = "1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
    const message = `--id: ${JSON.stringify(invalidId)} can't name a device; it must be ${rule}`;
    throw new OtaError("arguments/invalid", message, { option: "--id" });
  }
  topicsOf(options.topic);
  const faults = (await Promise.all((options.fault ?? []).map(readFaults))).flat();
  for (const fault of faults) {
    if (ids.some((id) => faultsOf([fault], id).length > 0)) continue;
    const message = `a fault is for ${fault.device}, and there is no such device among ${ids[0]} … ${ids.at(-1)}`;
    throw new OtaError("simulation/invalid-fault", message, { fault: fault.device });
  }
  return { ids, hardware: createHardware(await readFlashContents(options)), faults };
}

async function readFlashContents(options: DeviceInputOptions): Promise<FlashContents> {
  const given = options.app === undefined ? undefined : await read(options.app);
  if (given !== undefined) verifyAppImage(parseAppImage(given));
  const chip = options.chip ?? chipOf(given) ?? "esp32";
  const flashDump = options.flash === undefined ? undefined : await read(options.flash);
  const app = given ?? (flashDump === undefined ? buildAppImage({ ...DEFAULT_APP, chip }) : undefined);
  const table = options.partitionTable === undefined ? undefined : await read(options.partitionTable);
  const bootloader = options.bootloader === undefined ? undefined : await read(options.bootloader);
  return {
    chip,
    ...(flashDump === undefined ? {} : { flashDump }),
    ...(app === undefined ? {} : { app }),
    ...(table === undefined ? {} : { partitionTable: parseTable(table) }),
    ...(bootloader === undefined ? {} : { bootloader }),
  };
}

/** A table in either form: the binary one begins with its magic. */
function parseTable(bytes: Uint8Array): PartitionTable {
  const isBinary = TABLE_MAGIC.every((byte, index) => bytes[index] === byte);
  return isBinary ? parsePartitionTable(bytes) : parsePartitionCsv(new TextDecoder().decode(bytes));
}

async function readFaults(text: string): Promise<readonly Fault[]> {
  if (!text.endsWith(".json") && !existsSync(text)) return [parseFault(text)];
  return parseFaultsJson(new TextDecoder().decode(await read(text)));
}

function chipOf(app: Uint8Array | undefined): ChipName | undefined {
  if (app === undefined) return undefined;
  return chipById(parseAppImageHeader(app.subarray(0, APP_IMAGE_HEADER_SIZE)).chipId)?.name;
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new OtaError("simulation/file-unreadable", `${file} can't be read${why}`, { file }, { cause });
  }
}
