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

/** Description of a bootloader image to build. */
export interface BootloaderSpec {
  readonly chip?: ChipName;
  readonly idfVersion?: string;
  /** Text in its code, such as log lines. */
  readonly text?: string;
  /** Flash size in its header. @defaultValue 0, which means 1 MB */
  readonly spiSize?: number;
}

/** Description of a flash dump of 1 MiB to build. */
export interface DumpSpec {
  readonly chip?: ChipName;
  /** `null` for no bootloader. */
  readonly bootloader?: Uint8Array | null;
  readonly tableOffset?: number;
  readonly csv?: string;
  /** Contents of partitions by label. */
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

/** Builds a bootloader image like ESP-IDF's: all segments in RAM, and a descriptor. */
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

/** Builds a dump. Unnamed partitions are erased. Without contents, the old app is in the first slot. */
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
