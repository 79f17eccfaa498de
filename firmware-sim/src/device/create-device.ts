import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  APP_IMAGE_HEADER_SIZE,
  AppSubtype,
  buildPartitionTable,
  type Chip,
  type ChipName,
  chipById,
  chipByName,
  DataSubtype,
  findPartition,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  PartitionType,
  parseAppImageHeader,
  parsePartitionCsv,
  parsePartitionTable,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import { Efuse, type EfuseFields } from "../boot/efuse.ts";
import { NorFlash } from "../flash/nor-flash.ts";
import { SimulatedDevice } from "./device.ts";
import type { DeviceOptions } from "./device-options.ts";
import { provisioningInFlash } from "./device-partitions.ts";

/** Contents of a board's flash at the factory: a whole dump, or its parts. */
export interface FlashContents {
  /** The chip; by default that of the app, or ESP32 without an app. */
  readonly chip?: ChipName | undefined;
  /** Size of the flash in bytes; by default 4 MiB, or more if the dump or the table needs it. */
  readonly flashSizeBytes?: number | undefined;
  /** A whole flash, as `esptool read-flash` writes it. The parts below are flashed over it. */
  readonly flashDump?: Uint8Array | undefined;
  /**
   * Offset of the partition table, in bytes.
   *
   * @defaultValue 0x8000
   */
  readonly tableOffset?: number | undefined;
  /** Partition table in binary form or parsed; without it and without a dump, two OTA slots of 1700 KiB. */
  readonly partitionTable?: Uint8Array | Pick<PartitionTable, "entries"> | undefined;
  /** Second-stage bootloader image. The simulated bootloader does not need it. */
  readonly bootloader?: Uint8Array | undefined;
  /** App image, flashed into factory, or into `ota_0` if there is no factory partition. */
  readonly app?: Uint8Array | undefined;
  /** Content of the NVS partition. */
  readonly nvs?: Uint8Array | undefined;
  /** Content of the otadata partition, such as Arduino's `boot_app0.bin`; blank by default. */
  readonly otadata?: Uint8Array | undefined;
  readonly efuse?: EfuseFields | undefined;
}

/** Description of a device to create: from parts, or around hardware that was flashed before. */
export interface DeviceSpec extends DeviceOptions, FlashContents {
  /** Flash, eFuses and chip. If given, the members of {@link FlashContents} are ignored. */
  readonly hardware?: Hardware;
}

/** Options of a device whose NVS holds its identity. */
export type ProvisionedDeviceOptions = Omit<
  DeviceOptions,
  "id" | "topicRoot" | "product" | "allowUnsigned" | "keySet" | "provisioning"
>;

/**
 * Creates a device, switched off, and flashes it as a factory would.
 *
 * @throws {@link OtaError} `simulation/does-not-fit` for a part that is larger than its partition or has no partition;
 *   `image/partition-table-invalid` for an invalid table.
 */
export function createDevice(spec: DeviceSpec): SimulatedDevice {
  return new SimulatedDevice(spec.hardware ?? createHardware(spec), spec);
}

/**
 * Creates a device, switched off, around hardware whose NVS holds its identity: name, broker, topic, product, trusted
 * keys and login.
 *
 * @throws {@link OtaError} `nvs/not-provisioned`, `nvs/encrypted`, `provisioning/invalid`.
 */
export function createProvisionedDevice(hardware: Hardware, options: ProvisionedDeviceOptions = {}): SimulatedDevice {
  const provisioning = provisioningInFlash(hardware.flash, options.bootloaderOptions?.tableOffset);
  const { device_id: id, topic: topicRoot } = provisioning;
  return new SimulatedDevice(hardware, { ...options, id, topicRoot, provisioning });
}

/** Flashes a board as a factory would. Throws as {@link createDevice}. */
export function createHardware(contents: FlashContents): Hardware {
  const chip = chipOf(contents);
  const table = tableOf(contents);
  const { tableOffset = PARTITION_TABLE_OFFSET } = contents;
  const flash = new NorFlash(contents.flashSizeBytes ?? flashSizeFor(contents, table));
  const { flashDump, bootloader } = contents;
  const whole: Place = { label: "the flash", offset: 0, size: flash.sizeBytes };
  if (flashDump !== undefined) load(flash, whole, flashDump);
  if (bootloader !== undefined) {
    const size = tableOffset - chip.bootloaderOffset;
    load(flash, { label: "the space before the partition table", offset: chip.bootloaderOffset, size }, bootloader);
  }
  if (contents.partitionTable !== undefined || flashDump === undefined) {
    flash.load(tableOffset, buildPartitionTable(table));
  }
  const { APP, DATA } = PartitionType;
  const parts = [
    ["nvs", contents.nvs, findPartition(table, DATA, DataSubtype.NVS)],
    ["otadata", contents.otadata, findPartition(table, DATA, DataSubtype.OTA)],
    ["app", contents.app, findPartition(table, APP, AppSubtype.FACTORY) ?? findPartition(table, APP, AppSubtype.OTA_0)],
  ] as const;
  for (const [name, bytes, place] of parts) {
    if (bytes !== undefined) load(flash, place ?? { label: `a partition for ${name}`, offset: 0, size: 0 }, bytes);
  }
  return { flash, chip, efuse: new Efuse(chip, contents.efuse) };
}

type Place = Pick<PartitionEntry, "label" | "offset" | "size">;

function load(flash: NorFlash, { label, offset, size }: Place, bytes: Uint8Array): void {
  const limit = Math.min(size, flash.sizeBytes - offset);
  if (bytes.length > limit) {
    const message = `${bytes.length} bytes don't fit into ${label}, which holds only ${Math.max(limit, 0)}`;
    throw new OtaError("simulation/does-not-fit", message, { partition: label, size: bytes.length, limit });
  }
  flash.load(offset, bytes);
}

function chipOf({ chip, app }: FlashContents): Chip {
  const named = chipByName(chip ?? "esp32");
  if (named === undefined) throw new RangeError(`no chip is called ${chip}`);
  if (chip !== undefined || app === undefined) return named;
  try {
    return chipById(parseAppImageHeader(app.subarray(0, APP_IMAGE_HEADER_SIZE)).chipId) ?? named;
  } catch (error) {
    if (isOtaError(error)) return named;
    throw error;
  }
}

function tableOf({
  partitionTable,
  flashDump,
  tableOffset = PARTITION_TABLE_OFFSET,
}: FlashContents): Pick<PartitionTable, "entries"> {
  if (partitionTable instanceof Uint8Array) return parsePartitionTable(partitionTable);
  if (partitionTable !== undefined) return partitionTable;
  if (flashDump === undefined) return parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV, { tableOffset });
  return parsePartitionTable(flashDump.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE));
}

/** Returns the size of the smallest flash, at least 4 MiB, that holds all contents. */
function flashSizeFor({ flashDump }: FlashContents, { entries }: Pick<PartitionTable, "entries">): number {
  const end = Math.max(4 * 2 ** 20, flashDump?.length ?? 0, ...entries.map(({ offset, size }) => offset + size));
  return 2 ** Math.ceil(Math.log2(end));
}
