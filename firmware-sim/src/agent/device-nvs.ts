import { DataSubtype, type NvsStorage, PartitionType } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import {
  esp_partition_erase_range,
  esp_partition_find_first,
  esp_partition_read,
  esp_partition_write,
} from "../esp-idf/esp-partition.ts";
import { type Nvs, nvs_flash_erase, nvs_flash_init } from "../nvs/nvs.ts";

/** Options of {@link openDeviceNvs}. */
export interface DeviceNvsOptions {
  /**
   * Whether to erase NVS if it has no free page or a newer version, as ESP-IDF's examples do. An app whose identity is
   * in NVS must not erase it: it could never connect again.
   */
  readonly mayErase: boolean;
  /** Collects errors of the flash as long as NVS is in use. */
  readonly failures?: number[];
}

/**
 * Opens the first NVS partition, as an app does at its start.
 *
 * @returns 0 with `nvs`, or the error of `nvs_flash_init`.
 * @throws {@link PowerCut} if the flash loses power.
 */
export function openDeviceNvs(
  app: AppContext,
  { mayErase, failures = [] }: DeviceNvsOptions,
): { readonly err: number; readonly nvs?: Nvs } {
  const partition = esp_partition_find_first(app, PartitionType.DATA, DataSubtype.NVS);
  if (partition === undefined) return { err: EspErr.ESP_ERR_NVS_PART_NOT_FOUND };
  const storage = nvsStorageOf(app, partition, failures);
  const { behaviors } = app.options.idf;
  const first = nvs_flash_init(storage, behaviors);
  const isHopeless =
    first.err === EspErr.ESP_ERR_NVS_NO_FREE_PAGES || first.err === EspErr.ESP_ERR_NVS_NEW_VERSION_FOUND;
  if (!isHopeless || !mayErase) return first;
  nvs_flash_erase(storage);
  return nvs_flash_init(storage, behaviors);
}

function nvsStorageOf(app: AppContext, partition: EspPartition, failures: number[]): NvsStorage {
  const note = (err: number) => {
    if (err !== EspErr.ESP_OK) failures.push(err);
  };
  return {
    sizeBytes: partition.size,
    read: (offset, length) => esp_partition_read(app, partition, offset, length).data,
    program: (offset, bytes) => note(esp_partition_write(app, partition, offset, bytes)),
    eraseSector: (offset) => note(esp_partition_erase_range(app, partition, offset, 4096)),
  };
}
