// An NVS partition as `tinybms-ota provision` makes it, on which the device then writes its own, with power cuts at each
// flash operation: what the factory told the device stays, read by ota-core's reader and by the device's own start; what
// it was writing is the old or the new, never half of one.
import {
  buildNvsPartition,
  PROVISIONING_NAMESPACE,
  type Provisioning,
  provisioningEntries,
  provisioningOfPartition,
  readNvsPartition,
  readProvisioning,
} from "@tinybms/ota-core/esp";
import { envelopeToJson, parseEnvelope } from "@tinybms/ota-core/signing";
import { expect, test } from "vitest";
import { StoredText } from "../../src/agent/stored-text.ts";
import { PowerCut } from "../../src/flash/power-cut.ts";
import {
  type Nvs,
  nvs_flash_init,
  nvs_get_blob,
  nvs_get_str,
  nvs_get_u8,
  nvs_open,
  nvs_set_u32,
} from "../../src/nvs/nvs.ts";
import { createFleetKeys } from "../signed-fleet.ts";
import { NvsFlash, ORDERLY_TEARS } from "./nvs-flash.ts";

const PRODUCT = "TinyBMS Web Gateway";
const TOLD: Provisioning = {
  provisioning: 1,
  device_id: "bench-1",
  broker: "mqtts://broker.example:8883",
  topic: "tinybms/gateway/ota",
  product: PRODUCT,
  username: "bench-1",
  password: "correct horse battery staple",
  ca_certificate: `-----BEGIN CERTIFICATE-----\n${"MIIB".repeat(100)}\n-----END CERTIFICATE-----\n`,
  key_set: envelopeToJson(parseEnvelope(createFleetKeys(PRODUCT).keySets[0])),
};

function open(flash: NvsFlash): Nvs {
  flash.powerOn();
  const { err, nvs } = nvs_flash_init(flash);
  expect(err).toBe(0);
  return nvs!;
}

function readBySimulator(nvs: Nvs): Provisioning {
  const { handle } = nvs_open(nvs, PROVISIONING_NAMESPACE, "readonly");
  return readProvisioning(({ key, type }) => {
    if (type === "u8") return nvs_get_u8(handle!, key).value;
    return type === "string" ? nvs_get_str(handle!, key).value : nvs_get_blob(handle!, key).value;
  });
}

/** Records of many sizes, so that what is live and what is erased mixes in a page with what the factory wrote. */
const textOf = (number: number) => `${number}:${"x".repeat(100 + ((number * 7919) % 1500))}:${number}`;
const parse = (text: string) => (/^(\d+):x+:\1$/.test(text) ? text : undefined);

const ownOf = (nvs: Nvs) => nvs_open(nvs, "tinybms_ota", "readwrite").handle!;
const recordOf = (nvs: Nvs) => new StoredText<string>(ownOf(nvs), "record", parse);

/** What a start of the app writes: its count, and a record. */
function write(flash: NvsFlash, number: number): void {
  const nvs = open(flash);
  nvs_set_u32(ownOf(nvs), "boot_count", number);
  expect(recordOf(nvs).store(textOf(number), textOf(number), () => 0)).toBe(0);
}

/** The newest record that ota-core's reader finds. */
function readRecord(flash: NvsFlash): string | undefined {
  const texts = readNvsPartition(flash.cells).entries.flatMap(({ namespace, key, value }) => {
    const [, number, text = ""] = /^(\d+)\/1 (.*)$/s.exec(String(value)) ?? [];
    const isWhole = namespace === "tinybms_ota" && key.startsWith("record") && parse(text) !== undefined;
    return isWhole ? [{ number: Number(number), text }] : [];
  });
  return texts.sort((left, right) => right.number - left.number)[0]?.text;
}

/** Where what the factory wrote stands now. */
const placesOf = (flash: NvsFlash): string =>
  readNvsPartition(flash.cells)
    .entries.flatMap(({ namespace, offset }) => (namespace === PROVISIONING_NAMESPACE ? [offset] : []))
    .join();

/** Cuts power before and in each flash operation of a write, and reads what is left both ways. @returns How often. */
function cutEverywhere(before: NvsFlash, number: number, operationCount: number): number {
  const { program, erase } = ORDERLY_TEARS;
  const tears = program.map((programTear, index) => ({ programTear, eraseTear: erase[index % erase.length]! }));
  const cuts = [{ moment: "before" as const }, ...tears.map((tear) => ({ moment: "during" as const, ...tear }))];
  const records = [number === 1 ? undefined : textOf(number - 1), textOf(number)];
  for (let operation = 1; operation <= operationCount; operation++) {
    for (const cut of cuts) {
      const at = `record ${number}, ${cut.moment} operation ${operation} of ${operationCount}`;
      const flash = new NvsFlash(before);
      flash.arm({ operation, seed: operation, ...cut });
      expect(() => write(flash, number), at).toThrow(PowerCut);
      expect(provisioningOfPartition(flash.cells), at).toEqual(TOLD);
      expect(records, at).toContain(readRecord(flash));
      const nvs = open(flash);
      expect(readBySimulator(nvs), at).toEqual(TOLD);
      expect(records, at).toContain(recordOf(nvs).value);
      expect(provisioningOfPartition(flash.cells), at).toEqual(TOLD);
    }
  }
  return operationCount * cuts.length;
}

test("keeps provisioned values after a power cut at each flash operation of the device", () => {
  let flash = new NvsFlash(buildNvsPartition(provisioningEntries(TOLD), { sizeBytes: 0x3000 }));
  let [cutCount, moveCount] = [0, 0];
  for (let number = 1; moveCount < 3; number++) {
    const rehearsal = new NvsFlash(flash);
    write(rehearsal, number);
    const isMoved = placesOf(rehearsal) !== placesOf(flash);
    if (isMoved) moveCount++;
    if (isMoved || number < 4) cutCount += cutEverywhere(flash, number, rehearsal.operationCount);
    flash = rehearsal;
    expect(number, "the page with what the factory wrote must be moved").toBeLessThan(500);
  }
  expect(cutCount).toBeGreaterThan(500);
});
