// Initial state of a boot or app case.

import { fromHex } from "@tinybms/ota-core";
import { buildPartitionTable, chipByName, type PartitionEntry, PartitionType } from "@tinybms/ota-core/esp";
import type { Hardware } from "../../src/boot/boot-options.ts";
import { Efuse } from "../../src/boot/efuse.ts";
import { NorFlash } from "../../src/flash/nor-flash.ts";
import { OTADATA_OFFSET } from "../board-spec.ts";
import { flashChecksum } from "./flash-checksum.ts";

/** Content at the start of an app partition. */
interface VectorSlot {
  readonly image: string;
  /** Bits to flip. */
  readonly flip?: readonly number[];
  /** Number of bytes of the image that are there. */
  readonly cut?: number;
  /** Number of bytes 0x33 after it. */
  readonly tail?: number;
}

/** One call of a case, and ESP-IDF's result. */
export interface VectorStep {
  readonly call: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** Number of flash operations that take effect before the power cut. */
  readonly cut?: number;
  readonly result: Readonly<Record<string, unknown>>;
  readonly ops?: number;
  readonly flash?: number;
  readonly otadata?: readonly [string, string];
  readonly otadata_crc?: number;
  readonly efuse?: number;
}

/** A case of `boot/` or `app/`. */
export interface BoardVector {
  readonly id: string;
  readonly scenario?: string;
  readonly rollback: boolean;
  readonly anti_rollback: boolean;
  readonly efuse: number;
  readonly table: {
    readonly md5: boolean;
    readonly entries: readonly (readonly [string, number, number, number, number, number])[];
  };
  readonly otadata: readonly [string | null, string | null];
  readonly extra?: readonly (readonly [number, string])[];
  readonly slots: readonly (VectorSlot | null)[];
  readonly end: number;
  readonly flash: number;
  readonly otadata_crc: number;
  readonly steps: readonly VectorStep[];
}

/** The app images of the vectors, by name. */
export type VectorImages = ReadonlyMap<string, Uint8Array>;

/** Size of the flash in bytes. */
const FLASH_SIZE = 2 ** 20;
const PARTITION_TABLE_OFFSET = 0x8000;

/** Builds the hardware in the state before the first call. @throws Error if it isn't what was recorded. */
export function boardOfVector(vector: BoardVector, images: VectorImages): Hardware {
  const chip = chipByName("esp32")!;
  const flash = new NorFlash(FLASH_SIZE);
  const entries = entriesOf(vector);
  flash.load(PARTITION_TABLE_OFFSET, buildPartitionTable({ entries, md5: vector.table.md5 ? "valid" : "absent" }));
  for (const [index, hex] of vector.otadata.entries()) {
    if (hex !== null) flash.load(OTADATA_OFFSET + index * 0x1000, fromHex(hex)!);
  }
  for (const [address, hex] of vector.extra ?? []) flash.load(address, fromHex(hex)!);
  const apps = entries.filter(({ type }) => type === PartitionType.APP);
  for (const [index, slot] of vector.slots.entries()) {
    if (slot !== null) flash.load(apps[index]!.offset, contentsOf(slot, images));
  }
  if (flashChecksum(flash, vector.end) !== vector.flash) throw new Error(`${vector.id}: another start state`);
  return { flash, chip, efuse: new Efuse(chip, { secureVersion: vector.efuse }) };
}

/** Returns the partitions in the order of the table. */
export function entriesOf({ table }: BoardVector): readonly PartitionEntry[] {
  return table.entries.map(([label, type, subtype, offset, size, flags]) => ({
    label,
    type,
    subtype,
    offset,
    size,
    flags,
  }));
}

function contentsOf({ image, flip = [], cut, tail = 0 }: VectorSlot, images: VectorImages): Uint8Array {
  const bytes = images.get(image)!.slice();
  for (const bit of flip) bytes[bit >> 3]! ^= 1 << (bit & 7);
  const kept = bytes.subarray(0, cut ?? bytes.length);
  const contents = new Uint8Array(kept.length + tail).fill(0x33);
  contents.set(kept);
  return contents;
}
