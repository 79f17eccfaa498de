import type { PartitionCsvOptions } from "@tinybms/ota-core/esp";

/** Options that say where partition table and bootloaders lie, as commander reads them: flash addresses in bytes. */
export interface PartitionPlaceOptions {
  readonly partitionTableOffset?: number;
  readonly primaryBootloaderOffset?: number;
  readonly recoveryBootloaderOffset?: number;
}

/** Translates command options into what the parser of partition CSV files takes. */
export function placesOf(options: PartitionPlaceOptions): PartitionCsvOptions {
  const { partitionTableOffset, primaryBootloaderOffset, recoveryBootloaderOffset } = options;
  return {
    tableOffset: partitionTableOffset,
    bootloaderOffset: primaryBootloaderOffset,
    recoveryBootloaderOffset,
  };
}
