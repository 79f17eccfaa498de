import { concatBytes, utf8 } from "../src/bytes.ts";
import { encodeAppImage } from "../src/image/app-image.ts";
import { type ChipName, chipByName } from "../src/image/chips.ts";
import { parsePartitionCsv } from "../src/image/partition-csv.ts";
import { buildPartitionTable } from "../src/image/partition-table.ts";

/** What a flash is put together of: contents by offset; everything else is erased. */
export function buildFlash(sizeBytes: number, contents: Readonly<Record<number, Uint8Array>>): Uint8Array {
  const flash = new Uint8Array(sizeBytes).fill(0xff);
  for (const [offset, bytes] of Object.entries(contents)) flash.set(bytes, Number(offset));
  return flash;
}

/** A bootloader image that says so: two segments in memory, none mapped, and a descriptor if asked for; `size` bytes of code. */
export function buildBootloader(
  chipName: ChipName,
  options: { readonly idfVersion?: string; readonly size?: number } = {},
): Uint8Array {
  const chip = chipByName(chipName)!;
  const descriptor = new Uint8Array(80);
  descriptor.set([0x50, 0, 0, 3]); // magic, two reserved bytes, secure version
  descriptor.set([7, 0, 0, 0], 4); // version 7
  descriptor.set(utf8(options.idfVersion ?? ""), 8);
  descriptor.set(utf8("Jan  1 2026 12:00:00"), 40);
  const data = concatBytes([options.idfVersion === undefined ? new Uint8Array(80) : descriptor, new Uint8Array(432)]);
  const header = {
    spiMode: 2,
    spiSpeed: 0,
    spiSize: 2, // 4 MB
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
    { loadAddress: chip.dram.start, data },
    { loadAddress: chip.dram.start + 0x1000, data: new Uint8Array(options.size ?? 1024).fill(0x13) },
  ];
  return encodeAppImage({ header, segments, hashAppended: true });
}

/** The binary form of a table in CSV. */
export function tableOf(csv: string, tableOffset?: number): Uint8Array {
  return buildPartitionTable(parsePartitionCsv(csv, tableOffset === undefined ? {} : { tableOffset }));
}
