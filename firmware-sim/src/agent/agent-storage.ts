import {
  buildKeySetRecord,
  buildReceiverRecord,
  DataSubtype,
  type Immutable,
  type KeySet,
  PartitionType,
  parseKeySetRecord,
  parseReceiverRecord,
  type ReceiverRecord,
} from "@tinybms/ota-core";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { EspErr } from "../esp-idf/esp-err.ts";
import {
  esp_partition_erase_range,
  esp_partition_find_first,
  esp_partition_read,
  esp_partition_write,
} from "../esp-idf/esp-partition.ts";
import { type NvsHandle, nvs_flash_erase, nvs_flash_init, nvs_get_u32, nvs_open, nvs_set_u32 } from "../nvs/nvs.ts";
import type { NvsStorage } from "../nvs/nvs-storage.ts";
import { StoredText } from "./stored-text.ts";

const NAMESPACE = "tinybms_ota";
const BOOT_COUNT_KEY = "boot_count";

/** What the agent keeps in NVS. */
export interface AgentStorage {
  /** How often this application started, this time included; 1 where nothing can be kept. */
  readonly bootCount: number;
  /** What was stored last; `undefined` where there is none, or it is lost. */
  readonly record: ReceiverRecord | undefined;
  /** The key set that was stored last; `undefined` as for the record. */
  readonly keySet: Immutable<KeySet> | undefined;
  /** Replaces the record. @returns ESP_OK, or what NVS gave: the old record then stands. */
  store(record: ReceiverRecord): number;
  /** Replaces the key set. @returns As `store`. */
  storeKeySet(keySet: Immutable<KeySet>): number;
}

/**
 * Opens the agent's namespace in the first NVS partition and counts the start.
 *
 * Where NVS has no free page or is of a newer version it is erased, as ESP-IDF's examples do: the record is lost then.
 *
 * @throws PowerCut where the flash loses power.
 */
export function openAgentStorage(app: AppContext): AgentStorage {
  const failures: number[] = [];
  const { err, handle } = openNamespace(app, failures);
  if (handle === undefined) {
    return { bootCount: 1, record: undefined, keySet: undefined, store: () => err, storeKeySet: () => err };
  }
  const bootCount = (nvs_get_u32(handle, BOOT_COUNT_KEY).value ?? 0) + 1;
  nvs_set_u32(handle, BOOT_COUNT_KEY, bootCount);
  const records = new StoredText<ReceiverRecord>(handle, "record", parseReceiverRecord);
  const keySets = new StoredText<Immutable<KeySet>>(handle, "key_set", parseKeySetRecord);
  const stored = <T>(texts: StoredText<T>, value: T, text: string): number => {
    failures.length = 0;
    return texts.store(value, text, () => failures[0] ?? EspErr.ESP_OK);
  };
  return {
    bootCount,
    record: records.value,
    keySet: keySets.value,
    store: (record) => stored(records, record, buildReceiverRecord(record)),
    storeKeySet: (keySet) => stored(keySets, keySet, buildKeySetRecord(keySet)),
  };
}

/** @param failures - Gets what the flash refuses, as long as the namespace is used. */
function openNamespace(app: AppContext, failures: number[]): { readonly err: number; readonly handle?: NvsHandle } {
  const partition = esp_partition_find_first(app, PartitionType.DATA, DataSubtype.NVS);
  if (partition === undefined) return { err: EspErr.ESP_ERR_NVS_PART_NOT_FOUND };
  const storage = nvsStorageOf(app, partition, failures);
  const { err, nvs } = initNvs(storage);
  return nvs === undefined ? { err } : nvs_open(nvs, NAMESPACE, "readwrite");
}

function initNvs(storage: NvsStorage): ReturnType<typeof nvs_flash_init> {
  const first = nvs_flash_init(storage);
  if (first.err !== EspErr.ESP_ERR_NVS_NO_FREE_PAGES && first.err !== EspErr.ESP_ERR_NVS_NEW_VERSION_FOUND) {
    return first;
  }
  nvs_flash_erase(storage);
  return nvs_flash_init(storage);
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
