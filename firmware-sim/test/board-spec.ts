import {
  type AppImageSpec,
  AppSubtype,
  buildAppImage,
  buildOtadataEntry,
  buildPartitionTable,
  type ChipName,
  chipByName,
  DataSubtype,
  type OtadataEntry,
  otadataCrc,
  otadataEntry,
  otaStateName,
  PARTITION_TABLE_OFFSET,
  type PartitionEntry,
  type PartitionTable,
  PartitionType,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import type { BootSlot } from "../src/boot/boot-event.ts";
import type { BootloaderOptions, Hardware } from "../src/boot/boot-options.ts";
import { runBootloader } from "../src/boot/bootloader.ts";
import { Efuse, type EfuseFields } from "../src/boot/efuse.ts";
import { flashViewOf } from "../src/boot/flash-view.ts";
import { type AppContext, type AppOptions, createAppContext, type EspPartition } from "../src/esp-idf/app-context.ts";
import { EncryptedFlash } from "../src/flash/encrypted-flash.ts";
import { NorFlash } from "../src/flash/nor-flash.ts";
import { PowerCut } from "../src/flash/power-cut.ts";
import { idfRelease } from "../src/idf-release/idf-release.ts";

/** Description of a board. By default each slot contains its own valid image. */
export interface BoardSpec {
  readonly chip?: ChipName;
  /** Numbers of the OTA slots. @defaultValue 0 and 1 */
  readonly slots?: readonly number[];
  readonly factory?: boolean;
  readonly test?: boolean;
  /** The two otadata entries; `undefined` is blank. */
  readonly otadata?: readonly [OtadataEntry | undefined, OtadataEntry | undefined];
  /** Size of the otadata partition in bytes; 0 for no partition. @defaultValue 0x2000 */
  readonly otadataSize?: number;
  /** Slots whose image has one flipped bit. */
  readonly corrupt?: readonly BootSlot[];
  /** Slots without an image. */
  readonly empty?: readonly BootSlot[];
  /** Specifications of the slots' images. */
  readonly images?: ReadonlyMap<BootSlot, AppImageSpec>;
  /** Converts an image before it is written into its slot, for example by signing it. */
  readonly sign?: (image: Uint8Array, slot: BootSlot) => Uint8Array;
  /**
   * eFuses. With a key for flash encryption everything but NVS is encrypted, including blank otadata, as after a first
   * start.
   */
  readonly efuse?: EfuseFields;
  /** Changes the partition table before it is written. */
  readonly table?: (
    entries: PartitionEntry[],
  ) => Pick<PartitionTable, "entries"> & Partial<Pick<PartitionTable, "md5">>;
}

/** Offset of otadata, in bytes. */
export const OTADATA_OFFSET = 0xd000;

/** Size of each app partition, in bytes. */
export const SLOT_SIZE = 0x10000;

/** Creates an entry with a correct CRC. */
export { otadataEntry as entry };

/** Creates an entry with one wrong bit in its CRC. */
export function torn(sequence: number, state: number): OtadataEntry {
  return { ...otadataEntry(sequence, state), crc: (otadataCrc(sequence) ^ 1) >>> 0 };
}

/** Builds the hardware of a board: 1 MiB of flash without a bootloader image. */
export function board(spec: BoardSpec = {}): Hardware {
  const chip = chipByName(spec.chip ?? "esp32");
  if (chip === undefined) throw new Error(`no chip ${spec.chip}`);
  const flash = new NorFlash(1024 * 1024);
  const key = spec.efuse?.flashEncryptionKey;
  const cells = key === undefined ? flash : new EncryptedFlash(flash, key);
  const entries = layout(spec);
  cells.load(PARTITION_TABLE_OFFSET, buildPartitionTable(spec.table?.(entries) ?? { entries }));
  if (key !== undefined) cells.load(OTADATA_OFFSET, new Uint8Array(0x2000).fill(0xff));
  for (const [index, entry] of (spec.otadata ?? []).entries()) {
    if (entry !== undefined) cells.load(OTADATA_OFFSET + index * 0x1000, buildOtadataEntry(entry));
  }
  for (const { type, subtype, offset } of entries) {
    if (type !== PartitionType.APP) continue;
    const slot = slotOfSubtype(subtype);
    if (spec.empty?.includes(slot)) continue;
    const image = buildAppImage({ chip: chip.name, version: `${slot}`, seed: 1 + subtype, ...spec.images?.get(slot) });
    const signed = spec.sign?.(image, slot) ?? image;
    const flipped = spec.corrupt?.includes(slot) ? signed.with(300, (signed[300] ?? 0) ^ 1) : signed;
    cells.load(offset, flipped);
  }
  return { flash, chip, efuse: new Efuse(chip, spec.efuse) };
}

function layout(spec: BoardSpec): PartitionEntry[] {
  const { slots = [0, 1], otadataSize = 0x2000 } = spec;
  const data = (label: string, subtype: number, offset: number, size: number) =>
    size === 0 ? [] : [{ label, type: PartitionType.DATA, subtype, offset, size, flags: 0 }];
  const subtypes = [
    ...(spec.factory ? [AppSubtype.FACTORY] : []),
    ...slots.map((slot) => AppSubtype.OTA_0 + slot),
    ...(spec.test ? [AppSubtype.TEST] : []),
  ];
  const apps = subtypes.map((subtype, index) => ({
    label: labelOf(subtype),
    type: PartitionType.APP,
    subtype,
    offset: 0x10000 + index * SLOT_SIZE,
    size: SLOT_SIZE,
    flags: 0,
  }));
  const otadataEnd = OTADATA_OFFSET + otadataSize;
  return [
    ...data("nvs", DataSubtype.NVS, 0x9000, 0x4000),
    ...data("otadata", DataSubtype.OTA, OTADATA_OFFSET, otadataSize),
    ...(otadataEnd <= 0xf000 ? data("phy_init", DataSubtype.PHY, 0xf000, 0x1000) : []),
    ...apps,
  ];
}

function slotOfSubtype(subtype: number): BootSlot {
  if (subtype === AppSubtype.FACTORY) return "factory";
  return subtype === AppSubtype.TEST ? "test" : subtype - AppSubtype.OTA_0;
}

function labelOf(subtype: number): string {
  const slot = slotOfSubtype(subtype);
  return typeof slot === "number" ? `ota_${slot}` : slot;
}

/** Formats the otadata entries, for example `1:valid`, `blank` or `5:new torn`. */
export function otadataOf(hardware: Pick<Hardware, "flash" | "efuse">): readonly string[] {
  const copy = flashViewOf({ flash: hardware.flash.snapshot(), efuse: hardware.efuse });
  return [0, 0x1000].map((offset) => {
    const bytes = copy.read(OTADATA_OFFSET + offset, 32);
    if (bytes.every((byte) => byte === 0xff)) return "blank";
    const { sequence, state, crc } = parseOtadataEntry(bytes);
    return `${sequence}:${otaStateName(state)}${crc === otadataCrc(sequence) ? "" : " torn"}`;
  });
}

/** Returns the slot that boots, or the reason why no slot does. */
export function bootOf(hardware: Hardware, options: BootloaderOptions = {}): BootSlot | string {
  const outcome = runBootloader(hardware, options);
  return outcome.kind === "boots" ? outcome.slot : outcome.reason;
}

/** Boots and starts the app. By default the release is 6.2-dev, and the app has the bootloader's build options. */
export function start(hardware: Hardware, options: BootloaderOptions = {}, app: Partial<AppOptions> = {}): AppContext {
  const outcome = runBootloader(hardware, options);
  if (outcome.kind !== "boots") throw new Error(`nothing boots: ${outcome.log.join("\n")}`);
  const { rollback = true, antiRollback = false } = options;
  return createAppContext(hardware, outcome, { idf: idfRelease("6.2-dev"), rollback, antiRollback, ...app });
}

/** Returns a partition of the app by its label. */
export function partition(app: AppContext, label: string): EspPartition {
  const found = app.partitions.find((candidate) => candidate.label === label);
  if (found === undefined) throw new Error(`no partition ${label}`);
  return found;
}

/** Runs software until the armed power cut ends it. @returns The cut. @throws Error if the cut did not occur. */
export function untilPowerCut(work: () => unknown): PowerCut {
  try {
    work();
  } catch (error) {
    if (error instanceof PowerCut) return error;
    throw error;
  }
  throw new Error("the power cut never fell");
}
