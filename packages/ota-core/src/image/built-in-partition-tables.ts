/** ESP-IDF's "Single factory app, no OTA" (`partitions_singleapp.csv`). */
export const SINGLEAPP_PARTITION_CSV = `# Name,   Type, SubType, Offset,  Size, Flags
nvs,      data, nvs,     ,        0x6000,
phy_init, data, phy,     ,        0x1000,
factory,  app,  factory, ,        1M,
`;

/** ESP-IDF's "Factory app, two OTA definitions" (`partitions_two_ota.csv`). */
export const TWO_OTA_PARTITION_CSV = `# Name,   Type, SubType, Offset,  Size, Flags
nvs,      data, nvs,     ,        0x4000,
otadata,  data, ota,     ,        0x2000,
phy_init, data, phy,     ,        0x1000,
factory,  app,  factory, ,        1M,
ota_0,    app,  ota_0,   ,        1M,
ota_1,    app,  ota_1,   ,        1M,
`;

/** ESP-IDF's "Two large size OTA partitions" for 4 MB of flash, without a factory app (`partitions_two_ota_large.csv`). */
export const TWO_OTA_LARGE_PARTITION_CSV = `# Name,   Type, SubType, Offset,  Size, Flags
nvs,      data, nvs,     ,        0x6000,
otadata,  data, ota,     ,        0x2000,
phy_init, data, phy,     ,        0x1000,
ota_0,    app,  ota_0,   ,        1700K,
ota_1,    app,  ota_1,   ,        1700K,
`;

/** ESP-IDF's built-in partition tables by the name of their Kconfig choice, in lower case. */
export const BUILT_IN_PARTITION_TABLES: Readonly<Record<"singleapp" | "two_ota" | "two_ota_large", string>> = {
  singleapp: SINGLEAPP_PARTITION_CSV,
  two_ota: TWO_OTA_PARTITION_CSV,
  two_ota_large: TWO_OTA_LARGE_PARTITION_CSV,
};
