import { BLANK_RECORD } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { board, start } from "../../test/board.ts";
import { EspErr } from "../esp-idf/esp-err.ts";
import { openAgentStorage } from "./agent-storage.ts";

const NVS_SECTOR = 0x9000 / 4096;

test("a record that the flash does not take is not said to be stored", () => {
  const { flash, ...hardware } = board();
  const app = start({ flash, ...hardware });
  const storage = openAgentStorage(app);
  expect(storage.store({ ...BLANK_RECORD, accepted: [1, 1] })).toBe(EspErr.ESP_OK);
  flash.setFaults([{ type: "program-fails", sectorIndex: NVS_SECTOR }]);
  expect(storage.store({ ...BLANK_RECORD, accepted: [1, 2] })).toBe(EspErr.ESP_ERR_FLASH_OP_FAIL);
});
