// An NVS partition as `tinybms-ota provision` makes it, on which the device then writes its own, with power cuts at each
// flash operation: what the factory told the device stays, read by ota-core's reader and by the device's own start; what
// it was writing is the old or the new, never half of one.
import {
  buildNvsPartition,
  envelopeToJson,
  PROVISIONING_NAMESPACE,
  type Provisioning,
  parseEnvelope,
  provisioningEntries,
  provisioningOfPartition,
  readNvsPartition,
  readProvisioning,
} from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { StoredText } from "../../src/agent/stored-text.ts";
import { type Nvs, nvs_flash_init, nvs_get_blob, nvs_get_str, nvs_get_u8, nvs_open } from "../../src/nvs/nvs.ts";
import { createFleetKeys } from "../signed-fleet.ts";
import { ERASE_TEARS, NorModel, PowerCut, PROGRAM_TEARS } from "./nor-model.ts";

const PRODUCT = "TinyBMS Web Gateway";
const TOLD: Provisioning = {
  provisioning: 1,
  device_id: "bench-1",
  broker: "mqtts://broker.example:8883",
  topic: "tinybms/gateway/ota",
  product: PRODUCT,
  username: "bench-1",
  password: "correct horse battery staple",
  ca_certificate: `-----BEGIN CERTIFICATE-----\n${"MIIB".repeat(500)}\n-----END CERTIFICATE-----\n`,
  key_set: envelopeToJson(parseEnvelope(createFleetKeys(PRODUCT).keySets[0])),
};

/** Flash that programs in order and erases the header first: beyond that ESP-IDF's format has limits of its own. */
const PROGRAM = PROGRAM_TEARS.filter(({ name }) => name.startsWith("first") || name.startsWith("all but"));
const ERASE = ERASE_TEARS.filter(({ name }) => name === "all zeroed" || name.startsWith("half"));

function open(flash: NorModel): Nvs {
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

const textOf = (number: number) => `${number}:${"x".repeat(900 + 90 * (number % 9))}:${number}`;
const parse = (text: string) => (/^(\d+):x+:\1$/.test(text) ? text : undefined);

const recordOf = (nvs: Nvs) =>
  new StoredText<string>(nvs_open(nvs, "tinybms_ota", "readwrite").handle!, "record", parse);

function write(flash: NorModel, number: number): void {
  recordOf(open(flash)).store(textOf(number), textOf(number), () => 0);
}

/** The newest record that ota-core's reader finds. */
function readRecord(flash: NorModel): string | undefined {
  const texts = readNvsPartition(flash.cells).entries.flatMap(({ namespace, key, value }) => {
    const [, number, text = ""] = /^(\d+) (.*)$/s.exec(String(value)) ?? [];
    const isWhole = namespace === "tinybms_ota" && key.startsWith("record") && parse(text) !== undefined;
    return isWhole ? [{ number: Number(number), text }] : [];
  });
  return texts.sort((left, right) => right.number - left.number)[0]?.text;
}

test("what a device is told outlives power cuts at each flash operation of what it writes itself", () => {
  let flash = new NorModel(buildNvsPartition(provisioningEntries(TOLD), { sizeBytes: 0x4000 }));
  let [cutCount, moveCount] = [0, 0];
  for (let number = 1; number <= 20; number++) {
    const rehearsal = new NorModel(flash.cells);
    rehearsal.trace = [];
    write(rehearsal, number);
    if (rehearsal.trace.some(({ kind }) => kind === "erase")) moveCount++;
    for (let operation = 1; operation <= rehearsal.operationCount; operation++) {
      const tears = PROGRAM.map((programTear, index) => ({ programTear, eraseTear: ERASE[index % ERASE.length]! }));
      const cuts = [{ moment: "before" as const }, ...tears.map((tear) => ({ moment: "during" as const, ...tear }))];
      for (const cut of cuts) {
        const at = `record ${number}, ${cut.moment} operation ${operation} of ${rehearsal.operationCount}`;
        const copy = new NorModel(flash.cells);
        copy.arm({ operation, seed: operation, ...cut });
        expect(() => write(copy, number), at).toThrow(PowerCut);
        cutCount++;
        expect(provisioningOfPartition(copy.cells), at).toEqual(TOLD);
        expect([number === 1 ? undefined : textOf(number - 1), textOf(number)], at).toContain(readRecord(copy));
        const nvs = open(copy);
        expect(readBySimulator(nvs), at).toEqual(TOLD);
        expect([number === 1 ? undefined : textOf(number - 1), textOf(number)], at).toContain(recordOf(nvs).value);
        expect(provisioningOfPartition(copy.cells), at).toEqual(TOLD);
      }
    }
    flash = rehearsal;
  }
  expect(cutCount).toBeGreaterThan(500);
  expect(moveCount, "pages must fill up and be moved").toBeGreaterThan(2);
});
