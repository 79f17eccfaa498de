import type { PartitionCsvOptions } from "@tinybms/ota-core/esp";

/** Options for the flash addresses of partition table and bootloaders, in bytes, as commander parses them. */
export interface PartitionPlaceOptions {
  readonly partitionTableOffset?: number;
  readonly primaryBootloaderOffset?: number;
  readonly recoveryBootloaderOffset?: number;
}

/** Converts command options to options of the partition CSV parser. */
export function placesOf(options: PartitionPlaceOptions): PartitionCsvOptions {
  const { partitionTableOffset, primaryBootloaderOffset, recoveryBootloaderOffset } = options;
  return {
    tableOffset: partitionTableOffset,
    bootloaderOffset: primaryBootloaderOffset,
    recoveryBootloaderOffset,
  };
}
