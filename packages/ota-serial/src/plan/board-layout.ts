import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  APP_IMAGE_HEADER_SIZE,
  type AppDescriptor,
  type AppImageHeader,
  AppSubtype,
  DataSubtype,
  findPartition,
  OTADATA_SIZE,
  type Otadata,
  otaSlotOfSequence,
  otaSlots,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  PartitionType,
  parseAppDescriptor,
  parseAppImageHeader,
  parseOtadata,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";

/** Name of an app partition, from its subtype. */
export type SlotName = "factory" | `ota_${number}`;

/** App partition with the headers of the image in it. */
export interface AppSlot {
  readonly name: SlotName;
  readonly partition: PartitionEntry;
  /** `undefined` if no image begins here. */
  readonly header: AppImageHeader | undefined;
  readonly descriptor: AppDescriptor | undefined;
}

/** Partitions, app images and otadata of a board. */
export interface BoardLayout {
  readonly table: PartitionTable;
  /** `factory` first, if it exists, then the OTA slots in order. */
  readonly slots: readonly AppSlot[];
  readonly otadata: { readonly partition: PartitionEntry; readonly content: Otadata } | undefined;
}

/** Reads a range of the flash. */
export type ReadFlash = (offset: number, size: number) => Promise<Uint8Array>;

/** Size of an image's headers: image header, first segment header and app descriptor. */
export const IMAGE_HEAD_SIZE: number = APP_DESCRIPTOR_OFFSET + APP_DESCRIPTOR_SIZE;

/**
 * Reads the partition table, otadata and the first bytes of every app image from a board.
 *
 * @param tableOffset - Offset of the partition table. @defaultValue 0x8000
 * @throws {@link OtaError} `serial/no-partition-table`.
 */
export async function readBoardLayout(
  port: string,
  read: ReadFlash,
  tableOffset: number = PARTITION_TABLE_OFFSET,
): Promise<BoardLayout> {
  const table = tableOf(port, await read(tableOffset, PARTITION_TABLE_SIZE), tableOffset);
  const slots: AppSlot[] = [];
  for (const { name, partition } of appPartitions(table)) {
    slots.push(slotOf(name, partition, await read(partition.offset, IMAGE_HEAD_SIZE)));
  }
  const partition = findPartition(table, PartitionType.DATA, DataSubtype.OTA);
  if (partition === undefined || partition.size < OTADATA_SIZE) return { table, slots, otadata: undefined };
  return { table, slots, otadata: { partition, content: parseOtadata(await read(partition.offset, OTADATA_SIZE)) } };
}

/**
 * Returns the slot that the bootloader starts: the one that otadata selects, otherwise `factory`, otherwise `ota_0`. If no
 * image begins there, the next slot that the bootloader tries (`bootloader_utility_load_boot_image`). Does not verify
 * images.
 *
 * @returns `undefined` if there is no image.
 */
export function bootingSlot({ slots, otadata }: Pick<BoardLayout, "slots" | "otadata">): AppSlot | undefined {
  const otas = slots.filter(({ name }) => name !== "factory");
  const factory = slots.find(({ name }) => name === "factory");
  const active = otadata?.content.active;
  const selected =
    active === undefined || otas.length === 0
      ? undefined
      : otaSlotOfSequence(otadata?.content.entries[active].sequence ?? 0, otas.length);
  const first = selected ?? (factory === undefined ? 0 : -1);
  // The bootloader tries lower slots down to factory, then higher ones.
  const order = [
    ...otas.slice(0, first + 1).reverse(),
    ...(factory === undefined ? [] : [factory]),
    ...otas.slice(first + 1),
  ];
  return order.find(({ header }) => header !== undefined);
}

/** Returns the app partitions that the bootloader can start, in the order of {@link BoardLayout.slots}. */
export function appPartitions(table: PartitionTable): readonly Pick<AppSlot, "name" | "partition">[] {
  const factory = findPartition(table, PartitionType.APP, AppSubtype.FACTORY);
  const otas = otaSlots(table).map(
    (partition, index): Pick<AppSlot, "name" | "partition"> => ({
      name: `ota_${index}`,
      partition,
    }),
  );
  return factory === undefined ? otas : [{ name: "factory", partition: factory }, ...otas];
}

/**
 * Parses the headers of a slot's image.
 *
 * @param head - First {@link IMAGE_HEAD_SIZE} bytes of the partition.
 */
export function slotOf(name: SlotName, partition: PartitionEntry, head: Uint8Array): AppSlot {
  const header = parsedOrUndefined(() => parseAppImageHeader(head.subarray(0, APP_IMAGE_HEADER_SIZE)));
  const descriptor =
    header === undefined
      ? undefined
      : parsedOrUndefined(() => parseAppDescriptor(head.subarray(APP_DESCRIPTOR_OFFSET)));
  return { name, partition, header, descriptor };
}

function tableOf(port: string, bytes: Uint8Array, offset: number): PartitionTable {
  const table = parsedOrUndefined(() => parsePartitionTable(bytes));
  if (table !== undefined && table.md5 !== "mismatch") return table;
  const message = `there is no partition table at 0x${offset.toString(16)} of the board on ${port}`;
  const hint = "a new or erased board needs bootloader, partition table and app: flash --all build/flasher_args.json";
  throw new OtaError("serial/no-partition-table", message, { port }, { hint });
}

/** Returns the result of a parser, or `undefined` if the bytes do not have its format. */
function parsedOrUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
