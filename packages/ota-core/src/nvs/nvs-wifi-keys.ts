import { sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { concatBytes } from "../bytes.ts";

/** A blob that Espressif's generator adds. */
export interface NvsWifiBlob {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Keys of the Wi-Fi driver for which Espressif's generator adds blobs, in any namespace. */
const STATION_KEYS: readonly string[] = ["sta.ssid", "sta.pswd"];
const ACCESS_POINT_KEYS: readonly string[] = ["ap.ssid", "ap.passwd", "ap.authmode"];

/** Keys of the added blobs. */
export const NVS_WIFI_BLOB_KEYS: ReadonlySet<string> = new Set(["sta.apinfo", "sta.pmk", "sta.apsw", "ap.pmk_info"]);

/** Returns `true` if the generator adds blobs for this key. */
export function isNvsWifiKey(key: string): boolean {
  return STATION_KEYS.includes(key) || ACCESS_POINT_KEYS.includes(key);
}

/**
 * Adds the blobs that Espressif's generator adds for the Wi-Fi driver's keys (its `write_entry`): blank ones for the
 * station, once, and for the access point the key derived from password and name (IEEE 802.11i: PBKDF2, 4096 rounds).
 */
export class NvsWifiBlobs {
  #hasStation = false;
  readonly #accessPoint: Map<string, string> = new Map();

  /**
   * Returns the blobs before a key's own entry.
   *
   * @param text - Value as in the CSV.
   */
  before(key: string, text: string): readonly NvsWifiBlob[] {
    if (!ACCESS_POINT_KEYS.includes(key)) return [];
    if (key !== "ap.authmode" || text !== "0") this.#accessPoint.set(key, text);
    const [name, password, mode] = ACCESS_POINT_KEYS.map((each) => this.#accessPoint.get(each) ?? "");
    if (name === undefined || name === "" || password === undefined || password === "" || mode === "") return [];
    const masterKey = pbkdf2(sha1, password, name, { c: 4096, dkLen: 32 });
    return [{ key: "ap.pmk_info", value: concatBytes([new Uint8Array(100), masterKey]) }];
  }

  /** Returns the blobs after a key's own entry. */
  after(key: string): readonly NvsWifiBlob[] {
    if (!STATION_KEYS.includes(key) || this.#hasStation) return [];
    this.#hasStation = true;
    return [
      { key: "sta.apinfo", value: new Uint8Array(140).fill(0xff) },
      { key: "sta.pmk", value: new Uint8Array(32) },
      { key: "sta.apsw", value: new Uint8Array(2) },
    ];
  }
}
