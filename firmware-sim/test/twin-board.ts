import { concatBytes, utf8 } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildOtadataEntry,
  buildPartitionTable,
  type ChipName,
  chipByName,
  encodeAppImage,
  OtaImageState,
  otadataEntry,
  parsePartitionCsv,
} from "@tinybms/ota-core/esp";

/** A bootloader to make up. */
export interface BootloaderSpec {
  readonly chip?: ChipName;
  readonly idfVersion?: string;
  /** What its code holds, such as log lines. */
  readonly text?: string;
  /** Size of the flash that its header states: 0 = 1 MB, without it. */
  readonly spiSize?: number;
}

/** A dump to make up: a flash of 1 MiB. */
export interface DumpSpec {
  readonly chip?: ChipName;
  /** `null`: none. */
  readonly bootloader?: Uint8Array | null;
  readonly tableOffset?: number;
  readonly csv?: string;
  /** By label of the table. */
  readonly contents?: Readonly<Record<string, Uint8Array>>;
}

/** NVS, otadata and two slots of 64 KiB. */
export const TWIN_CSV: string = [
  "nvs,     data, nvs,   0x20000, 0x4000",
  "otadata, data, ota,   0x24000, 0x2000",
  "ota_0,   app,  ota_0, 0x30000, 0x10000",
  "ota_1,   app,  ota_1, 0x40000, 0x10000",
].join("\n");

/** Two chunks. */
export const TWIN_OLD: Uint8Array = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1 });
export const TWIN_NEW: Uint8Array = buildAppImage({ version: "2.0.0", sizeBytes: 8000, seed: 2 });

/** The first entry after an update: sequence 1. */
export const TWIN_SELECTED: Uint8Array = buildOtadataEntry(otadataEntry(1, OtaImageState.VALID));

/** A bootloader that says of itself what ESP-IDF's says: segments in memory only, and a descriptor. */
export function makeBootloader({
  chip: name = "esp32",
  idfVersion,
  text = "",
  spiSize = 0,
}: BootloaderSpec = {}): Uint8Array {
  const chip = chipByName(name)!;
  const descriptor = new Uint8Array(80);
  if (idfVersion !== undefined) descriptor[0] = 0x50; // magic
  descriptor.set(utf8(idfVersion ?? ""), 8);
  const code = new Uint8Array(1024).fill(0x13);
  code.set(utf8(text), 100);
  const header = {
    spiMode: 2,
    spiSpeed: 0,
    spiSize,
    entryAddress: chip.dram.start,
    wpPin: 0xee,
    spiPinDrive: [0, 0, 0],
    chipId: chip.id,
    minChipRevision: 0,
    minChipRevisionFull: 0,
    maxChipRevisionFull: 0xffff,
    reserved: 0,
  } as const;
  const segments = [
    { loadAddress: chip.dram.start, data: concatBytes([descriptor, new Uint8Array(432)]) },
    { loadAddress: chip.dram.start + 0x1000, data: code },
  ];
  return encodeAppImage({ header, segments, hashAppended: true });
}

/** Puts a dump together; what nobody names is erased. Without contents it has the old app in its first slot. */
export function makeDump({
  chip: name = "esp32",
  tableOffset = 0x8000,
  csv = TWIN_CSV,
  ...spec
}: DumpSpec = {}): Uint8Array {
  const { bootloader = makeBootloader({ chip: name }), contents = { ota_0: TWIN_OLD, otadata: TWIN_SELECTED } } = spec;
  const flash = new Uint8Array(2 ** 20).fill(0xff);
  const table = parsePartitionCsv(csv, { tableOffset });
  flash.set(buildPartitionTable(table), tableOffset);
  if (bootloader !== null) flash.set(bootloader, chipByName(name)!.bootloaderOffset);
  for (const [label, bytes] of Object.entries(contents)) {
    flash.set(bytes, table.entries.find((entry) => entry.label === label)!.offset);
  }
  return flash;
}
