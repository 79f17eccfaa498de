import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { decodeText, isDeviceId, isOtaError, OtaError, topicsOf } from "@tinybms/ota-core";
import {
  APP_IMAGE_HEADER_SIZE,
  buildAppImage,
  type ChipName,
  chipById,
  chipByName,
  type PartitionCsvOptions,
  parseAppImage,
  parseAppImageHeader,
  parsePartitionFile,
  verifyAppImage,
} from "@tinybms/ota-core/esp";
import { readKeySet, type TrustedKeys, verifySignature } from "@tinybms/ota-core/signing";
import type { AgentKind } from "../agent/agent-receiver.ts";
import { copyHardware, type Hardware } from "../boot/boot-options.ts";
import { createHardware, type FlashContents } from "../device/create-device.ts";
import { boardOfFlash, contentsOfFlash } from "../device/flash-dump.ts";
import { type Fault, faultsOf } from "../fault/fault.ts";
import { parseFault, parseFaultsJson } from "../fault/parse-fault.ts";
import type { DeviceInputOptions } from "./device-input-options.ts";
import { type ChosenIdf, chooseIdf } from "./idf-option.ts";
import {
  type NamedBoard,
  type ProvisionedBoard,
  provisionedBoard,
  refuseContradictions,
} from "./provisioned-boards.ts";

/** The devices to run, and everything they need. */
export interface DeviceInputs {
  readonly boards: readonly NamedBoard[];
  /** ESP-IDF releases of the first device, used for all. */
  readonly idf: ChosenIdf;
  readonly faults: readonly Fault[];
  readonly agent: AgentKind | undefined;
  /** Topic of devices without provisioning data. */
  readonly topic: string;
  readonly product: string;
  /** Key set of those devices; without it they accept unsigned offers, unless their flash holds a key set. */
  readonly keySet: TrustedKeys | undefined;
  /** Offset of the partition tables, in bytes; `undefined` means 0x8000. */
  readonly tableOffset: number | undefined;
  /** File of `--flash`. */
  readonly flashFile?: FlashFilePlace | undefined;
}

/** A file that keeps a device's flash. */
export interface FlashFilePlace {
  readonly path: string;
  /** Whether the file doesn't exist yet. Otherwise its content is the device. */
  readonly isNew: boolean;
  /** Options for the content of a new flash that were ignored. */
  readonly unused: readonly string[];
}

/** Defaults of `--topic`, `--product` and `--id`; topic and product are those of the example manifest. */
const TOPIC_DEFAULT = "tinybms/gateway/ota";
const PRODUCT_DEFAULT = "TinyBMS Web Gateway";
const ID_DEFAULT = "bench";

/** Generated app of devices without `--app`; its project is that of the example release line. */
const DEFAULT_APP = { projectName: "tinybms-gateway", version: "1.0.0", sizeBytes: 256 * 1024, seed: 1 } as const;

/**
 * Reads all input files of `run` and creates its boards. Starts nothing.
 *
 * @throws {@link OtaError} `arguments/invalid` for names that topics can't contain and for options that contradict NVS;
 *   `simulation/…` for files and faults; `image/…`, `nvs/…` and `provisioning/…` for contents.
 */
export async function readDeviceInputs(options: DeviceInputOptions): Promise<DeviceInputs> {
  const { topic = TOPIC_DEFAULT, product = PRODUCT_DEFAULT, flash: path, agent } = options;
  assertTopic(topic);
  const faults = (await Promise.all((options.fault ?? []).map(readFaults))).flat();
  const keySet = options.keySet === undefined ? undefined : await readProvisioned(options.keySet, product);
  const tableOffset = options.partitionTableOffset;
  const common = { faults, agent, topic, product, keySet, tableOffset };
  if (path !== undefined) refuseSeveral(options);
  if (path === undefined || !existsSync(path)) {
    const boards = await newBoards(options);
    refuseUnknown(faults, boards);
    return {
      ...common,
      boards,
      idf: idfOf(options, boards),
      flashFile: path === undefined ? undefined : { path, isNew: true, unused: [] },
    };
  }
  const dump = await readInput(path);
  // A board that can be flashed over its serial port may still be blank.
  const hardware =
    options.serial === undefined
      ? createHardware(contentsOfFlash(path, dump, options.chip, options.partitionTableOffset))
      : boardOfFlash(path, dump, options.chip);
  const { app, partitionTable, bootloader, nvs } = options;
  const factory = {
    "--app": app,
    "--partition-table": partitionTable,
    "--bootloader": bootloader,
    "--nvs": nvs,
    "--key-set": options.keySet,
  };
  const unused = Object.entries(factory).flatMap(([option, file]) => (file === undefined ? [] : [option]));
  const provisioned = provisionedBoard(hardware, path, false, options.partitionTableOffset);
  const { keySet: _unused, ...others } = options;
  if (provisioned !== undefined) refuseContradictions([provisioned], others);
  const boards = provisioned === undefined ? namedBoards(options, hardware) : [provisioned];
  refuseUnknown(faults, boards);
  const idf = idfOf(options, boards);
  return { ...common, keySet: undefined, boards, idf, flashFile: { path, isNew: false, unused } };
}

function idfOf(options: DeviceInputOptions, [board]: readonly NamedBoard[]): ChosenIdf {
  if (board === undefined) throw new RangeError("there is no board");
  return chooseIdf(options, board.hardware, options.partitionTableOffset);
}

/** Creates new boards: one for each NVS partition, or as many as `--devices` says. */
async function newBoards(options: DeviceInputOptions): Promise<readonly NamedBoard[]> {
  const contents = await readFlashContents(options);
  const { nvs } = options;
  if (nvs === undefined) return namedBoards(options, createHardware(contents));
  const boards: ProvisionedBoard[] = [];
  for (const file of nvs) {
    const hardware = createHardware({ ...contents, nvs: await readInput(file) });
    const board = provisionedBoard(hardware, file, true, contents.tableOffset);
    if (board !== undefined) boards.push(board);
  }
  refuseContradictions(boards, options);
  return boards;
}

function namedBoards({ id = ID_DEFAULT, devices = 1 }: DeviceInputOptions, hardware: Hardware): readonly NamedBoard[] {
  return Array.from({ length: devices }, (_, index) => {
    const name = `${id}-${index + 1}`;
    if (isDeviceId(name))
      return { id: name, hardware: index === 0 ? hardware : copyHardware(hardware), provisioning: undefined };
    const rule = "1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
    const message = `--id: ${JSON.stringify(name)} is not a valid device ID; it must be ${rule}`;
    throw new OtaError("arguments/invalid", message, { option: "--id" });
  });
}

function refuseSeveral({ devices = 1, nvs = [] }: DeviceInputOptions): void {
  if (devices <= 1 && nvs.length <= 1) return;
  const what = devices > 1 ? `--devices is ${devices}` : `--nvs has ${nvs.length} files`;
  const message = `--flash keeps the flash of one device, but ${what}; run one command for each device`;
  throw new OtaError("arguments/invalid", message, { option: "--flash" });
}

function refuseUnknown(faults: readonly Fault[], boards: readonly NamedBoard[]): void {
  const unknown = faults.find((fault) => !boards.some(({ id }) => faultsOf([fault], id).length > 0));
  if (unknown === undefined) return;
  const [first, last] = [boards[0]?.id, boards.at(-1)?.id];
  const message = `a fault is for ${unknown.device}, but no device from ${first} to ${last} matches`;
  throw new OtaError("simulation/invalid-fault", message, { fault: unknown.device });
}

function assertTopic(topic: string): void {
  try {
    topicsOf(topic);
  } catch (error) {
    if (!isOtaError(error)) throw error;
    throw new OtaError("arguments/invalid", `--topic: ${error.message}`, { option: "--topic" }, { cause: error });
  }
}

/** Reads a key set file, as `tinybms-ota keys` writes it, for the devices' product. */
async function readProvisioned(file: string, product: string): Promise<TrustedKeys> {
  const keySet = readKeySetFile(file, await readInput(file));
  const { product: found } = keySet.document;
  if (found === product) return keySet;
  const message = `--key-set: ${file} is for product ${JSON.stringify(found)}; the devices have ${JSON.stringify(product)}`;
  const hint = "set the product of the devices with --product";
  throw new OtaError("signing/key-set-product", message, { expected: product, found }, { hint });
}

function readKeySetFile(file: string, message: Uint8Array): TrustedKeys {
  try {
    return readKeySet(message, verifySignature);
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = "create a key set with `tinybms-ota keys init`: ota/keys/1.json";
    const text = `--key-set: ${file}: ${error.message}`;
    throw new OtaError("signing/key-set-unreadable", text, { file }, { cause: error, hint });
  }
}

async function readAppImage(path: string): Promise<Uint8Array> {
  const image = await readInput(path);
  verifyAppImage(parseAppImage(image));
  return image;
}

/**
 * Reads the contents of a board's flash, except NVS. Throws as {@link readDeviceInputs}.
 *
 * @param options - Without `app`, an app is generated, for the chip and project of `before` if given.
 */
export async function readFlashContents(
  options: Pick<
    DeviceInputOptions,
    "app" | "before" | "chip" | "partitionTable" | "partitionTableOffset" | "bootloader"
  >,
): Promise<FlashContents> {
  const given = options.app === undefined ? undefined : await readAppImage(options.app);
  const update = options.before === undefined ? undefined : await readAppImage(options.before);
  const chip = options.chip ?? chipOf(given ?? update) ?? "esp32";
  const { projectName = DEFAULT_APP.projectName } = (update && parseAppImage(update).descriptor) ?? {};
  const app = given ?? buildAppImage({ ...DEFAULT_APP, chip, projectName });
  const table = options.partitionTable === undefined ? undefined : await readInput(options.partitionTable);
  const { partitionTableOffset: tableOffset } = options;
  const bootloader = options.bootloader === undefined ? undefined : await readInput(options.bootloader);
  return {
    chip,
    app,
    partitionTable: table && parsePartitionFile(table, { ...csvOptionsOf(chip), tableOffset }),
    tableOffset,
    bootloader,
  };
}

/** Returns the bootloader offset of a chip, for partition CSV rows that don't give it. */
export function csvOptionsOf(chip: ChipName): PartitionCsvOptions {
  return { bootloaderOffset: chipByName(chip)?.bootloaderOffset ?? 0 };
}

async function readFaults(text: string): Promise<readonly Fault[]> {
  if (!text.endsWith(".json") && !existsSync(text)) return [parseFault(text)];
  return parseFaultsJson(decodeText(await readInput(text)) ?? "");
}

function chipOf(app: Uint8Array | undefined): ChipName | undefined {
  if (app === undefined) return undefined;
  return chipById(parseAppImageHeader(app.subarray(0, APP_IMAGE_HEADER_SIZE)).chipId)?.name;
}

/** Reads an input file. @throws {@link OtaError} `simulation/file-unreadable`. */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new OtaError("simulation/file-unreadable", `${file} can't be read${why}`, { file }, { cause });
  }
}
