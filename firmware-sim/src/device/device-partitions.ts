import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  DataSubtype,
  findPartition,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  PartitionType,
  type Provisioning,
  parsePartitionTable,
  provisioningOfPartition,
} from "@tinybms/ota-core/esp";
import type { NorFlash } from "../flash/nor-flash.ts";

/** Returns the partitions in a flash's table, with or without power; empty if there is no valid table. */
export function partitionsOf(flash: NorFlash, tableOffset: number = PARTITION_TABLE_OFFSET): readonly PartitionEntry[] {
  try {
    return parsePartitionTable(flash.truth(tableOffset, PARTITION_TABLE_SIZE)).entries;
  } catch (error) {
    if (isOtaError(error)) return [];
    throw error;
  }
}

/**
 * Returns the cells of a partition, from its start.
 *
 * @param label - Label in the table, for example `ota_1`.
 * @param length - Maximum number of bytes; by default the whole partition.
 * @throws RangeError if the table has no such partition.
 */
export function partitionBytes(flash: NorFlash, label: string, length: number = Number.MAX_SAFE_INTEGER): Uint8Array {
  const partition = partitionsOf(flash).find((candidate) => candidate.label === label);
  if (partition === undefined) throw new RangeError(`no partition is called ${label}`);
  return flash.truth(partition.offset, Math.min(length, partition.size));
}

/**
 * Reads the provisioning data in the NVS partition of a flash, with or without power.
 *
 * @throws {@link OtaError} `nvs/not-provisioned`, `nvs/encrypted`, `provisioning/invalid`.
 */
export function provisioningInFlash(flash: NorFlash, tableOffset?: number): Provisioning {
  const nvs = findPartition({ entries: partitionsOf(flash, tableOffset) }, PartitionType.DATA, DataSubtype.NVS);
  if (nvs !== undefined) return provisioningOfPartition(flash.truth(nvs.offset, nvs.size));
  throw new OtaError(
    "nvs/not-provisioned",
    "the partition table has no NVS partition to hold the device's identity",
    {},
  );
}
