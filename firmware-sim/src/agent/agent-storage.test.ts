import { BLANK_RECORD, type Immutable } from "@tinybms/ota-core";
import { addKey, firstKeySet, KEY_ROLES, type KeySet, nextKeySet } from "@tinybms/ota-core/signing";
import { expect, test } from "vitest";
import { board, start } from "../../test/board-spec.ts";
import { createFleetKey } from "../../test/signed-fleet.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { nvs_erase_key, nvs_open, nvs_set_blob } from "../nvs/nvs.ts";
import { openAgentStorage } from "./agent-storage.ts";
import { openDeviceNvs } from "./device-nvs.ts";

const NVS_SECTOR = 0x9000 / 4096;

test("a record that the flash does not take is not said to be stored", () => {
  const { flash, ...hardware } = board();
  const app = start({ flash, ...hardware });
  const storage = openAgentStorage(app);
  expect(storage.store({ ...BLANK_RECORD, accepted: [1, 1] })).toBe(EspErr.ESP_OK);
  flash.setFaults([{ type: "program-fails", sectorIndex: NVS_SECTOR }]);
  expect(storage.store({ ...BLANK_RECORD, accepted: [1, 2] })).toBe(EspErr.ESP_ERR_FLASH_OP_FAIL);
});

/** Of more than one string of NVS, with a name that is not ASCII. */
function largeKeySet(keys: number): Immutable<KeySet> {
  return KEYS.slice(0, keys).reduce<Immutable<KeySet>>(
    (set, key, index) => addKey(set, key, [KEY_ROLES[index % 3]!]),
    firstKeySet("Akku-Überwachung 電池", "2026-01-01T00:00:00Z"),
  );
}

const KEYS = Array.from({ length: 24 }, createFleetKey);
const LARGE = largeKeySet(12);

test("a key set is kept whole, in as many strings as it needs, and a shorter one takes its place", () => {
  expect(JSON.stringify(LARGE).length).toBeGreaterThan(1_960);
  const app = start(board());
  const short = addKey(firstKeySet("Akku", "2026-01-02T00:00:00Z"), createFleetKey(), ["root", "release", "offer"]);
  for (const keySet of [LARGE, nextKeySet(LARGE, "2026-01-02T00:00:00Z"), short, LARGE]) {
    expect(openAgentStorage(app).storeKeySet(keySet)).toBe(EspErr.ESP_OK);
    expect(openAgentStorage(app).keySet).toEqual(keySet);
  }
});

test("a key set that NVS has no room for leaves the one before, and room for records", () => {
  const app = start(board());
  const storage = openAgentStorage(app);
  expect(storage.storeKeySet(LARGE)).toBe(EspErr.ESP_OK);
  // The application's own data takes the room that the next set needs beside this one.
  const handle = nvs_open(openDeviceNvs(app, { mayErase: false }).nvs!, "app", "readwrite").handle!;
  for (let index = 0; nvs_set_blob(handle, `data${index}`, new Uint8Array(512)) === EspErr.ESP_OK; ) index++;
  expect(nvs_erase_key(handle, "data0")).toBe(EspErr.ESP_OK);
  const reopened = openAgentStorage(app);
  expect(reopened.storeKeySet(nextKeySet(LARGE, "2026-01-02T00:00:00Z"))).toBe(EspErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE);
  const record = { ...BLANK_RECORD, accepted: [1, 1] as const };
  expect(reopened.store(record)).toBe(EspErr.ESP_OK);
  expect(openAgentStorage(app)).toMatchObject({ keySet: LARGE, record });
});

test("a key set that the flash does not take leaves the one before, and the record", () => {
  const hardware = board();
  const app = start(hardware);
  const storage = openAgentStorage(app);
  const record = { ...BLANK_RECORD, accepted: [1, 1] as const };
  expect(storage.store(record)).toBe(EspErr.ESP_OK);
  expect(storage.storeKeySet(LARGE)).toBe(EspErr.ESP_OK);
  const { flash } = hardware;
  flash.setFaults(
    Array.from({ length: 4 }, (_, index) => ({ type: "program-fails", sectorIndex: NVS_SECTOR + index })),
  );
  expect(storage.storeKeySet(nextKeySet(LARGE, "2026-01-02T00:00:00Z"))).not.toBe(EspErr.ESP_OK);
  flash.setFaults([]);
  expect(openAgentStorage(app)).toMatchObject({ keySet: LARGE, record });
});
