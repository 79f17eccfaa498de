import { concatBytes, utf8, viewOf } from "@tinybms/ota-core";
import {
  NVS_PAGE_SIZE,
  type NvsOptions,
  type NvsStats,
  type NvsStorage,
  NvsStore,
  NvsType,
  nvsKeyFromText,
} from "@tinybms/ota-core/esp";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";

/**
 * An open NVS partition, with ESP-IDF's names and error numbers (`nvs.h`, `nvs_flash.h`).
 *
 * Functions throw only what the storage throws on a power cut, and `EspAbort` if damaged bytes make an old release loop
 * forever; open the partition again afterwards. Not supported: encryption, read-only partitions, iterators, writing blobs
 * of format version 1 (they are read), and two concurrent `nvs_flash_init` of one partition.
 *
 * The effects of power cuts are described in ota-core at `loadNvsPage`, `NvsPageManager` and `NvsStore`. In short: after a
 * cut a key has its old or its new value, but a blob may be lost, so critical values must be numbers or strings.
 */
export interface Nvs {
  readonly store: NvsStore;
}

/** An open namespace. */
export interface NvsHandle {
  readonly store: NvsStore;
  readonly namespaceIndex: number;
  readonly mode: NvsOpenMode;
}

/** Mode of an open namespace: ESP-IDF's `NVS_READONLY` and `NVS_READWRITE`. */
export type NvsOpenMode = "readonly" | "readwrite";

/** Result of a `nvs_get_…` function. `value` is present exactly if `err` is 0. */
export interface NvsValue<Value> {
  readonly err: number;
  readonly value?: Value;
}

/** Reads a number of one type. */
type GetNumber<Value> = (handle: NvsHandle, key: string) => NvsValue<Value>;

/** Writes a number of one type. */
type SetNumber<Value> = (handle: NvsHandle, key: string, value: Value) => number;

/**
 * Opens a partition and recovers it from a power cut.
 *
 * Writing needs at least three pages, as Espressif's generator requires. `nvs_flash_init` itself requires only one page
 * that stays free.
 *
 * @param behaviors - Behaviors of a release of ESP-IDF. @defaultValue Those of 6.2-dev.
 * @returns 0 with `nvs`; 0x110D NO_FREE_PAGES or 0x1110 NEW_VERSION_FOUND, which applications handle by
 * {@link nvs_flash_erase} and another init; 0x1105 without any page; −1 if pages are inconsistent.
 */
export function nvs_flash_init(
  storage: NvsStorage,
  behaviors?: NvsOptions["behaviors"],
): { readonly err: number; readonly nvs?: Nvs } {
  const { err, store } = NvsStore.open(storage, { behaviors, abort });
  return store === undefined ? { err } : { err, nvs: { store } };
}

/** Erases every sector of a partition. Handles opened before must not be used any more. */
export function nvs_flash_erase(storage: NvsStorage): number {
  for (let offset = 0; offset + NVS_PAGE_SIZE <= storage.sizeBytes; offset += NVS_PAGE_SIZE) {
    storage.eraseSector(offset);
  }
  return EspErr.ESP_OK;
}

/**
 * Opens a namespace; read-write mode creates it.
 *
 * @param namespace - At most 15 bytes; 0x1109 if a longer one would be created.
 * @returns 0 with `handle`; 0x1102 if a read-only namespace doesn't exist; 0x1105 for more than 254 namespaces.
 */
export function nvs_open(
  nvs: Nvs,
  namespace: string,
  mode: NvsOpenMode,
): { readonly err: number; readonly handle?: NvsHandle } {
  const { err, index } = nvs.store.openNamespace(nvsKeyFromText(namespace), mode === "readwrite");
  return index === undefined ? { err } : { err, handle: { store: nvs.store, namespaceIndex: index, mode } };
}

/** Returns how full the partition is. */
export function nvs_get_stats(nvs: Nvs): { readonly err: number; readonly stats?: NvsStats } {
  return nvs.store.stats();
}

/** Reads a number. Returns 0x1102 NOT_FOUND also if the key has another type. The other seven do the same. */
export const nvs_get_u8: GetNumber<number> = numberGetter(NvsType.u8, (view) => view.getUint8(0));
/** See {@link nvs_get_u8}. */
export const nvs_get_i8: GetNumber<number> = numberGetter(NvsType.i8, (view) => view.getInt8(0));
/** See {@link nvs_get_u8}. */
export const nvs_get_u16: GetNumber<number> = numberGetter(NvsType.u16, (view) => view.getUint16(0, true));
/** See {@link nvs_get_u8}. */
export const nvs_get_i16: GetNumber<number> = numberGetter(NvsType.i16, (view) => view.getInt16(0, true));
/** See {@link nvs_get_u8}. */
export const nvs_get_u32: GetNumber<number> = numberGetter(NvsType.u32, (view) => view.getUint32(0, true));
/** See {@link nvs_get_u8}. */
export const nvs_get_i32: GetNumber<number> = numberGetter(NvsType.i32, (view) => view.getInt32(0, true));
/** See {@link nvs_get_u8}. */
export const nvs_get_u64: GetNumber<bigint> = numberGetter(NvsType.u64, (view) => view.getBigUint64(0, true));
/** See {@link nvs_get_u8}. */
export const nvs_get_i64: GetNumber<bigint> = numberGetter(NvsType.i64, (view) => view.getBigInt64(0, true));

/**
 * Writes a number. As in C, a value that doesn't fit is truncated to its low bits. The other seven do the same.
 *
 * @returns 0; 0x1104 READ_ONLY; 0x1105 NOT_ENOUGH_SPACE; 0x1109 KEY_TOO_LONG.
 */
export const nvs_set_u8: SetNumber<number> = numberSetter(NvsType.u8, (view, value) => view.setUint8(0, value));
/** See {@link nvs_set_u8}. */
export const nvs_set_i8: SetNumber<number> = numberSetter(NvsType.i8, (view, value) => view.setInt8(0, value));
/** See {@link nvs_set_u8}. */
export const nvs_set_u16: SetNumber<number> = numberSetter(NvsType.u16, (view, value) =>
  view.setUint16(0, value, true),
);
/** See {@link nvs_set_u8}. */
export const nvs_set_i16: SetNumber<number> = numberSetter(NvsType.i16, (view, value) => view.setInt16(0, value, true));
/** See {@link nvs_set_u8}. */
export const nvs_set_u32: SetNumber<number> = numberSetter(NvsType.u32, (view, value) =>
  view.setUint32(0, value, true),
);
/** See {@link nvs_set_u8}. */
export const nvs_set_i32: SetNumber<number> = numberSetter(NvsType.i32, (view, value) => view.setInt32(0, value, true));
/** See {@link nvs_set_u8}. */
export const nvs_set_u64: SetNumber<bigint> = numberSetter(NvsType.u64, (view, value) =>
  view.setBigUint64(0, value, true),
);
/** See {@link nvs_set_u8}. */
export const nvs_set_i64: SetNumber<bigint> = numberSetter(NvsType.i64, (view, value) =>
  view.setBigInt64(0, value, true),
);

/** Reads a string up to its first NUL. Invalid UTF-8 becomes U+FFFD. Returns 0x1102 if it is missing or damaged. */
export function nvs_get_str(handle: NvsHandle, key: string): NvsValue<string> {
  const { err, value } = nvs_get_str_bytes(handle, key);
  return value === undefined ? { err } : { err, value: new TextDecoder("utf-8", { ignoreBOM: true }).decode(value) };
}

/** Reads a string as {@link nvs_get_str} does, but returns its bytes, as the function does in C. */
export function nvs_get_str_bytes(handle: NvsHandle, key: string): NvsValue<Uint8Array> {
  const { err, data } = get(handle, key, NvsType.string);
  return data === undefined ? { err } : { err, value: cString(data) };
}

/**
 * Writes a string as UTF-8, or its bytes, with a terminating NUL, up to the first NUL in it.
 *
 * @returns As {@link nvs_set_u8}; 0x110E VALUE_TOO_LONG past 4000 bytes with the NUL.
 */
export function nvs_set_str(handle: NvsHandle, key: string, value: string | Uint8Array): number {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return set(handle, key, NvsType.string, concatBytes([cString(bytes), Uint8Array.of(0)]));
}

/** Reads a blob of either format version. Returns 0x1102 if missing; 0x1102 or −1 if damaged, which also erases it. */
export function nvs_get_blob(handle: NvsHandle, key: string): NvsValue<Uint8Array> {
  const { err, data } = get(handle, key, NvsType.blob);
  return data === undefined ? { err } : { err, value: data };
}

/**
 * Writes a blob. A power cut during an update may lose the old value too, see `loadNvsPage`.
 *
 * @returns As {@link nvs_set_u8}; 0x110E VALUE_TOO_LONG past 4000 bytes for each page but one.
 */
export function nvs_set_blob(handle: NvsHandle, key: string, value: Uint8Array): number {
  return set(handle, key, NvsType.blob, value);
}

/** Erases a key of any type. Returns 0x1102 if it is missing. */
export function nvs_erase_key(handle: NvsHandle, key: string): number {
  if (handle.mode === "readonly") return EspErr.ESP_ERR_NVS_READ_ONLY;
  return handle.store.erase(handle.namespaceIndex, nvsKeyFromText(key));
}

/** Erases all keys of the namespace. */
export function nvs_erase_all(handle: NvsHandle): number {
  if (handle.mode === "readonly") return EspErr.ESP_ERR_NVS_READ_ONLY;
  return handle.store.eraseNamespace(handle.namespaceIndex);
}

/** Does nothing, as in ESP-IDF: every write goes to flash at once. */
export function nvs_commit(_handle: NvsHandle): number {
  return EspErr.ESP_OK;
}

function numberGetter<Value>(type: number, read: (view: DataView) => Value): GetNumber<Value> {
  return (handle, key) => {
    const { err, data } = get(handle, key, type);
    return data === undefined ? { err } : { err, value: read(viewOf(data)) };
  };
}

function numberSetter<Value>(type: number, write: (view: DataView, value: Value) => void): SetNumber<Value> {
  return (handle, key, value) => {
    const data = new Uint8Array(type & 0x0f);
    write(viewOf(data), value);
    return set(handle, key, type, data);
  };
}

function get(handle: NvsHandle, key: string, type: number): { readonly err: number; readonly data?: Uint8Array } {
  return handle.store.get({ namespaceIndex: handle.namespaceIndex, type, key: nvsKeyFromText(key) });
}

function set(handle: NvsHandle, key: string, type: number, data: Uint8Array): number {
  if (handle.mode === "readonly") return EspErr.ESP_ERR_NVS_READ_ONLY;
  return handle.store.set({ namespaceIndex: handle.namespaceIndex, type, key: nvsKeyFromText(key), data });
}

function abort(where: string, why: string): never {
  throw new EspAbort(where, why);
}

/** Returns the bytes before the first NUL. */
function cString(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
