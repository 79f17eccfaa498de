import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  DataSubtype,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  PartitionType,
  type Provisioning,
  parsePartitionTable,
  provisioningOfPartition,
} from "@tinybms/ota-core/esp";
import type { NorFlash } from "../flash/nor-flash.ts";

/** The partitions that a flash's table names, powered or not; none where there is no table. */
export function partitionsOf(flash: NorFlash, tableOffset: number = PARTITION_TABLE_OFFSET): readonly PartitionEntry[] {
  try {
    return parsePartitionTable(flash.truth(tableOffset, PARTITION_TABLE_SIZE)).entries;
  } catch (error) {
    if (isOtaError(error)) return [];
    throw error;
  }
}

/**
 * What the cells of a partition hold, from its start.
 *
 * @param label - As in the table, for example `ota_1`.
 * @param length - How many bytes, at most; all without it.
 * @throws RangeError if the table has no such partition.
 */
export function partitionBytes(flash: NorFlash, label: string, length: number = Number.MAX_SAFE_INTEGER): Uint8Array {
  const partition = partitionsOf(flash).find((candidate) => candidate.label === label);
  if (partition === undefined) throw new RangeError(`no partition is called ${label}`);
  return flash.truth(partition.offset, Math.min(length, partition.size));
}

/**
 * What the NVS partition of a flash tells the device, powered or not.
 *
 * @throws OtaError `nvs/not-provisioned`, `nvs/encrypted`, `provisioning/invalid`.
 */
export function provisioningInFlash(flash: NorFlash, tableOffset?: number): Provisioning {
  const { DATA } = PartitionType;
  const nvs = partitionsOf(flash, tableOffset).find(
    ({ type, subtype }) => type === DATA && subtype === DataSubtype.NVS,
  );
  if (nvs !== undefined) return provisioningOfPartition(flash.truth(nvs.offset, nvs.size));
  throw new OtaError(
    "nvs/not-provisioned",
    "the partition table has no NVS partition that could say who the device is",
    {},
  );
}
