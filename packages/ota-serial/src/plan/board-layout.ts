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

/** Name of an app partition by its subtype. */
export type SlotName = "factory" | `ota_${number}`;

/** An app partition, and what its first bytes say that it holds. */
export interface AppSlot {
  readonly name: SlotName;
  readonly partition: PartitionEntry;
  /** `undefined` if no image begins. */
  readonly header: AppImageHeader | undefined;
  readonly descriptor: AppDescriptor | undefined;
}

/** What a board's flash holds, as far as flashing needs to know. */
export interface BoardLayout {
  readonly table: PartitionTable;
  /** `factory` first, where there is one, then the OTA slots in their order. */
  readonly slots: readonly AppSlot[];
  readonly otadata: { readonly partition: PartitionEntry; readonly content: Otadata } | undefined;
}

/** Reads a piece of a flash. */
export type ReadFlash = (offset: number, size: number) => Promise<Uint8Array>;

/** Bytes at the beginning of an image that tell what it is. */
export const IMAGE_HEAD_SIZE: number = APP_DESCRIPTOR_OFFSET + APP_DESCRIPTOR_SIZE;

/**
 * Reads partition table, otadata and the heads of all images from a board.
 *
 * @param tableOffset - Where the table lies, if not at 0x8000.
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
 * Returns which app the bootloader starts: what otadata selects, else `factory`, else `ota_0`; and where nothing begins
 * there, the next that it tries (`bootloader_utility_load_boot_image`). Whether images are sound is not known here.
 *
 * @returns `undefined` if there is no image at all.
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
  // Down to factory, then up from where it began.
  const order = [
    ...otas.slice(0, first + 1).reverse(),
    ...(factory === undefined ? [] : [factory]),
    ...otas.slice(first + 1),
  ];
  return order.find(({ header }) => header !== undefined);
}

/** App partitions that the bootloader starts, in the order of {@link BoardLayout.slots}. */
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

/** Describes a slot by its first bytes. */
export function slotOf(name: SlotName, partition: PartitionEntry, head: Uint8Array): AppSlot {
  const header = orNothing(() => parseAppImageHeader(head.subarray(0, APP_IMAGE_HEADER_SIZE)));
  const descriptor =
    header === undefined ? undefined : orNothing(() => parseAppDescriptor(head.subarray(APP_DESCRIPTOR_OFFSET)));
  return { name, partition, header, descriptor };
}

function tableOf(port: string, bytes: Uint8Array, offset: number): PartitionTable {
  const table = orNothing(() => parsePartitionTable(bytes));
  if (table !== undefined && table.md5 !== "mismatch") return table;
  const message = `there is no partition table at 0x${offset.toString(16)} of the board on ${port}`;
  const hint = "a new or erased board needs everything: flash --all build/flasher_args.json";
  throw new OtaError("serial/no-partition-table", message, { port }, { hint });
}

/** Returns what bytes that may be anything say, if they are of the format. */
function orNothing<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
