import {
  buildReceiverRecord,
  DataSubtype,
  PartitionType,
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
import {
  type NvsHandle,
  nvs_flash_erase,
  nvs_flash_init,
  nvs_get_str,
  nvs_get_u32,
  nvs_open,
  nvs_set_str,
  nvs_set_u32,
} from "../nvs/nvs.ts";
import type { NvsStorage } from "../nvs/nvs-storage.ts";

const NAMESPACE = "tinybms_ota";
/**
 * Written in turns. A power cut while ESP-IDF marks a string's old form as erased (`Page::eraseEntryAndSpan`) can leave
 * neither form readable; the other string then still holds the record before.
 */
const RECORD_KEYS = ["record_0", "record_1"] as const;
const BOOT_COUNT_KEY = "boot_count";

/** What the agent keeps in NVS. */
export interface AgentStorage {
  /** How often this application started, this time included; 1 where nothing can be kept. */
  readonly bootCount: number;
  /** What was stored last; `undefined` where there is none, or it is lost. */
  readonly record: ReceiverRecord | undefined;
  /** Replaces the record. @returns ESP_OK, or what NVS gave: the old record then stands. */
  store(record: ReceiverRecord): number;
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
  if (handle === undefined) return { bootCount: 1, record: undefined, store: () => err };
  const bootCount = (nvs_get_u32(handle, BOOT_COUNT_KEY).value ?? 0) + 1;
  nvs_set_u32(handle, BOOT_COUNT_KEY, bootCount);
  let newest = newestRecord(handle);
  return {
    bootCount,
    record: newest?.record,
    store: (record) => {
      failures.length = 0;
      const number = (newest?.number ?? 0) + 1;
      const stored = nvs_set_str(handle, keyOf(number), `${number} ${buildReceiverRecord(record)}`);
      const err = stored === EspErr.ESP_OK ? (failures[0] ?? stored) : stored;
      if (err === EspErr.ESP_OK) newest = { number, record };
      return err;
    },
  };
}

/** A record, with how many were stored before it. */
interface NumberedRecord {
  readonly number: number;
  readonly record: ReceiverRecord;
}

function keyOf(number: number): string {
  return RECORD_KEYS[number % 2 === 0 ? 0 : 1];
}

function newestRecord(handle: NvsHandle): NumberedRecord | undefined {
  let newest: NumberedRecord | undefined;
  for (const key of RECORD_KEYS) {
    const [, digits, text = ""] = /^([0-9]{1,10}) (.*)$/s.exec(nvs_get_str(handle, key).value ?? "") ?? [];
    const record = parseReceiverRecord(text);
    const number = Number(digits);
    if (record !== undefined && number > (newest?.number ?? -1)) newest = { number, record };
  }
  return newest;
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
