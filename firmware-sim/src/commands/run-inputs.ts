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
  readKeySet,
  type TrustedKeys,
  topicsOf,
  verifyAppImage,
  verifySignature,
} from "@tinybms/ota-core";
import type { Hardware } from "../boot/boot-options.ts";
import { createHardware, type FlashContents } from "../create-device.ts";
import { type Fault, faultsOf } from "../fault/fault.ts";
import { parseFault, parseFaultsJson } from "../fault/parse-fault.ts";
import { contentsOfFlash } from "./flash-dump.ts";

/** Options of `run` that say what the devices are. */
export interface DeviceInputOptions {
  readonly topic: string;
  readonly devices: number;
  readonly id: string;
  readonly app?: string;
  readonly chip?: ChipName;
  readonly partitionTable?: string;
  readonly bootloader?: string;
  readonly nvs?: string;
  /** The key set that the devices are provisioned with. */
  readonly keySet?: string;
  readonly product: string;
  /** Where the flash of the one device is kept. */
  readonly flash?: string;
  readonly fault?: readonly string[];
}

/** The devices that a command is to run. */
export interface DeviceInputs {
  readonly ids: readonly string[];
  /** A board as its factory flashed it: each device gets a copy. */
  readonly hardware: Hardware;
  readonly faults: readonly Fault[];
  /** What they are provisioned with; without it they take unsigned offers, unless their flash knows better. */
  readonly keySet: TrustedKeys | undefined;
  /** Where `--flash` keeps the one device's flash. */
  readonly flashFile?: FlashFilePlace;
}

/** A file for a device's flash. */
export interface FlashFilePlace {
  readonly path: string;
  /** It doesn't exist yet. Otherwise the device is what it holds. */
  readonly isNew: boolean;
  /** Options that say what a new flash holds, and were not needed. */
  readonly unused: readonly string[];
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
  const keySet = options.keySet === undefined ? undefined : await readProvisioned(options.keySet, options.product);
  const common = { ids, faults, keySet };
  if (options.flash === undefined) return { ...common, hardware: createHardware(await readFlashContents(options)) };
  if (options.devices > 1) {
    const message = `--flash keeps the flash of one device, and --devices is ${options.devices}; run one for each file`;
    throw new OtaError("arguments/invalid", message, { option: "--flash" });
  }
  const { flash: path } = options;
  if (!existsSync(path)) {
    const flashFile = { path, isNew: true, unused: [] };
    return { ...common, hardware: createHardware(await readFlashContents(options)), flashFile };
  }
  const { app, partitionTable, bootloader, nvs, chip } = options;
  const factory = {
    "--app": app,
    "--partition-table": partitionTable,
    "--bootloader": bootloader,
    "--nvs": nvs,
    "--key-set": options.keySet,
  };
  const unused = Object.entries(factory).flatMap(([option, file]) => (file === undefined ? [] : [option]));
  const contents = contentsOfFlash(path, await readInput(path), chip);
  const flashFile = { path, isNew: false, unused };
  return { ids, faults, keySet: undefined, hardware: createHardware(contents), flashFile };
}

/** A key set file as `tinybms-ota keys` makes it. */
async function readProvisioned(file: string, product: string): Promise<TrustedKeys> {
  const keySet = readKeySet(await readInput(file), verifySignature);
  const { product: found } = keySet.document;
  if (found === product) return keySet;
  const message = `--key-set: ${file} is for ${JSON.stringify(found)}; the devices are ${JSON.stringify(product)}`;
  const hint = "--product says what the devices are";
  throw new OtaError("signing/key-set-product", message, { expected: product, found }, { hint });
}

/**
 * Reads what a board is flashed with. Errors as {@link readDeviceInputs}.
 *
 * @param options - Without an app the board gets a made-up one.
 */
export async function readFlashContents(
  options: Pick<DeviceInputOptions, "app" | "chip" | "partitionTable" | "bootloader" | "nvs">,
): Promise<FlashContents> {
  const given = options.app === undefined ? undefined : await readInput(options.app);
  if (given !== undefined) verifyAppImage(parseAppImage(given));
  const chip = options.chip ?? chipOf(given) ?? "esp32";
  const app = given ?? buildAppImage({ ...DEFAULT_APP, chip });
  const table = options.partitionTable === undefined ? undefined : await readInput(options.partitionTable);
  const bootloader = options.bootloader === undefined ? undefined : await readInput(options.bootloader);
  const nvs = options.nvs === undefined ? undefined : await readInput(options.nvs);
  return {
    chip,
    app,
    ...(table === undefined ? {} : { partitionTable: parseTable(table) }),
    ...(bootloader === undefined ? {} : { bootloader }),
    ...(nvs === undefined ? {} : { nvs }),
  };
}

/** A table in either form. */
export function parseTable(bytes: Uint8Array): PartitionTable {
  return isBinaryTable(bytes) ? parsePartitionTable(bytes) : parsePartitionCsv(new TextDecoder().decode(bytes));
}

/** Whether a table is in its binary form, which begins with its magic. */
export function isBinaryTable(bytes: Uint8Array): boolean {
  return TABLE_MAGIC.every((byte, index) => bytes[index] === byte);
}

async function readFaults(text: string): Promise<readonly Fault[]> {
  if (!text.endsWith(".json") && !existsSync(text)) return [parseFault(text)];
  return parseFaultsJson(new TextDecoder().decode(await readInput(text)));
}

function chipOf(app: Uint8Array | undefined): ChipName | undefined {
  if (app === undefined) return undefined;
  return chipById(parseAppImageHeader(app.subarray(0, APP_IMAGE_HEADER_SIZE)).chipId)?.name;
}

/** @throws OtaError `simulation/file-unreadable`. */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new OtaError("simulation/file-unreadable", `${file} can't be read${why}`, { file }, { cause });
  }
}
