/** Partition types (`esp_partition_type_t`). 0x40 to 0xFE are for projects. */
export const PartitionType = { APP: 0x00, DATA: 0x01, BOOTLOADER: 0x02, PARTITION_TABLE: 0x03 } as const;

/** Subtypes of app partitions; `OTA_0` + n is slot n, up to 15. */
export const AppSubtype = { FACTORY: 0x00, OTA_0: 0x10, TEST: 0x20, TEE_0: 0x30, TEE_1: 0x31 } as const;

/** Subtypes of data partitions (`esp_partition_subtype_t`). */
export const DataSubtype = {
  OTA: 0x00,
  PHY: 0x01,
  NVS: 0x02,
  COREDUMP: 0x03,
  NVS_KEYS: 0x04,
  EFUSE: 0x05,
  UNDEFINED: 0x06,
  ESPHTTPD: 0x80,
  FAT: 0x81,
  SPIFFS: 0x82,
  LITTLEFS: 0x83,
  TEE_OTA: 0x90,
} as const;

/** Bits of a partition's flags. */
export const PartitionFlag = { ENCRYPTED: 0x1, READONLY: 0x2 } as const;

/** Maximum number of OTA slots. */
export const OTA_SLOTS_MAX = 16;

/** Type keywords of partition CSV files, in the order of `gen_esp32part.py`. */
export const TYPE_KEYWORDS: ReadonlyMap<string, number> = keywords(PartitionType);

const SUBTYPE_KEYWORDS: ReadonlyMap<number, ReadonlyMap<string, number>> = new Map([
  [PartitionType.APP, appKeywords()],
  [PartitionType.DATA, keywords(DataSubtype)],
  [PartitionType.BOOTLOADER, keywords({ PRIMARY: 0, OTA: 1, RECOVERY: 2 })],
  [PartitionType.PARTITION_TABLE, keywords({ PRIMARY: 0, OTA: 1 })],
]);

/** Returns the subtype keywords of a type; an empty map for a project's own types. */
export function subtypeKeywords(type: number): ReadonlyMap<string, number> {
  return SUBTYPE_KEYWORDS.get(type) ?? new Map();
}

/** Returns the keyword of a partition type, for example `app`, or its number in hexadecimal if it has no keyword. */
export function partitionTypeName(type: number): string {
  return keywordOf(TYPE_KEYWORDS, type);
}

/**
 * Returns the keyword of a partition subtype, for example `ota_0`, or its number in hexadecimal if it has no keyword.
 */
export function partitionSubtypeName(type: number, subtype: number): string {
  return keywordOf(subtypeKeywords(type), subtype);
}

function keywords(values: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
}

function appKeywords(): ReadonlyMap<string, number> {
  const { FACTORY, OTA_0, TEST, TEE_0, TEE_1 } = AppSubtype;
  const slots = Array.from({ length: OTA_SLOTS_MAX }, (_, slot) => [`ota_${slot}`, OTA_0 + slot] as const);
  return new Map([["factory", FACTORY], ["test", TEST], ...slots, ["tee_0", TEE_0], ["tee_1", TEE_1]]);
}

function keywordOf(map: ReadonlyMap<string, number>, value: number): string {
  for (const [name, candidate] of map) if (candidate === value) return name;
  return `0x${value.toString(16).padStart(2, "0")}`;
}
