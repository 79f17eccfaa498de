import { buildReceiverRecord, type Immutable, parseReceiverRecord, type ReceiverRecord } from "@tinybms/ota-core";
import { buildKeySetRecord, type KeySet, parseKeySetRecord } from "@tinybms/ota-core/signing";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext } from "../esp-idf/app-context.ts";
import { type NvsHandle, nvs_get_u32, nvs_open, nvs_set_u32 } from "../nvs/nvs.ts";
import { type DeviceNvsOptions, openDeviceNvs } from "./device-nvs.ts";
import { StoredText } from "./stored-text.ts";

const NAMESPACE = "tinybms_ota";
const BOOT_COUNT_KEY = "boot_count";

/** Data that the agent keeps in NVS. */
export interface AgentStorage {
  /** Number of starts of this application, including this one; 1 if NVS can't be used. */
  readonly bootCount: number;
  /** The last stored record; `undefined` before the first, or if it is lost. */
  readonly record: ReceiverRecord | undefined;
  /** The last stored key set; `undefined` before the first, or if it is lost. */
  readonly keySet: Immutable<KeySet> | undefined;
  /**
   * Replaces the record.
   * @returns ESP_OK, or the error of NVS, in which case the old record stays.
   */
  store(record: ReceiverRecord): number;
  /**
   * Replaces the key set.
   * @returns As {@link AgentStorage.store}.
   */
  storeKeySet(keySet: Immutable<KeySet>): number;
}

/**
 * Opens the agent's namespace in the first NVS partition and counts the start.
 *
 * @param mayErase - Whether to erase NVS if it has no free page or a newer version, as ESP-IDF's examples do. The
 *   record is then lost. Without permission, the agent can't store anything.
 * @throws {@link PowerCut} if the flash loses power.
 */
export function openAgentStorage(app: AppContext, mayErase: boolean = true): AgentStorage {
  const failures: number[] = [];
  const { err, handle } = openNamespace(app, { mayErase, failures });
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

function openNamespace(
  app: AppContext,
  options: DeviceNvsOptions,
): { readonly err: number; readonly handle?: NvsHandle } {
  const { err, nvs } = openDeviceNvs(app, options);
  return nvs === undefined ? { err } : nvs_open(nvs, NAMESPACE, "readwrite");
}
