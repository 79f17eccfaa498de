import { isOtaError } from "@tinybms/ota-core";
import { chipByName } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Efuse } from "../boot/efuse.ts";
import { parseEfuseFile } from "./efuse-file.ts";

const ESP32 = chipByName("esp32")!;
const C3 = chipByName("esp32c3")!;
const DIGEST = "ab".repeat(32);

test("reads every field, and leaves absent ones unknown", () => {
  const fields = {
    secureVersion: 3,
    chipRevision: "v0.4",
    blockRevision: "1.3",
    disableWaferVersionMajor: true,
    disableBlockVersionMajor: false,
    secureBoot: true,
    secureBootDigests: [DIGEST, DIGEST.toUpperCase()],
    revokedDigests: [1],
    flashEncryption: false,
  };
  expect(parseEfuseFile("e.json", JSON.stringify(fields), C3)).toEqual({
    ...fields,
    chipRevision: 4,
    blockRevision: 103,
    secureBootDigests: [new Uint8Array(32).fill(0xab), new Uint8Array(32).fill(0xab)],
  });
  expect(parseEfuseFile("e.json", "{}", C3)).toEqual({});
});

test.for<[text: string, path: string, message: string]>([
  ["", "", "e.json: line 1, column 1: "],
  ["[]", "", "e.json: it must be an object of eFuse fields"],
  ['{"secureVersion":1,"secureVersion":2}', "", "e.json: line 1, column "],
  [
    '{"SECURE_VERSION":1}',
    "/SECURE_VERSION",
    '"SECURE_VERSION" is not an eFuse field; the fields are secureVersion, chipRevision, ',
  ],
  ['{"secureVersion":33}', "/secureVersion", "secureVersion is 33; it must be a whole number from 0 to 32"],
  ['{"secureVersion":"3"}', "/secureVersion", 'secureVersion is "3"; it must be a whole number'],
  ['{"chipRevision":3.1}', "/chipRevision", 'chipRevision is 3.1; it must be major and minor in quotes, such as "3.1"'],
  ['{"secureBoot":1}', "/secureBoot", "secureBoot is 1; it must be true or false"],
  [`{"secureBootDigests":["${DIGEST}","${DIGEST}"]}`, "/secureBootDigests", "must be at most 1 digests"],
  ['{"secureBootDigests":["ab"]}', "/secureBootDigests", "each as 64 hexadecimal digits"],
  ['{"revokedDigests":[1]}', "/revokedDigests", "revokedDigests is [1]; it must be positions from 0 to 0"],
  ['{"toString":1}', "/toString", '"toString" is not an eFuse field'],
])("rejects %s, with its place", ([text, path, message]) => {
  expect(() => parseEfuseFile("e.json", text, ESP32)).toThrow(
    expect.objectContaining({
      code: "simulation/efuse-invalid",
      message: expect.stringContaining(message),
      details: { file: "e.json", path },
    }),
  );
});

test("returns eFuses that the chip can have or an OtaError for any JSON", () => {
  const field = fc.constantFrom(
    "secureVersion",
    "chipRevision",
    "blockRevision",
    "secureBoot",
    "secureBootDigests",
    "revokedDigests",
    "flashEncryption",
  );
  const value = fc.oneof(
    fc.integer({ min: -1, max: 40 }),
    fc.constantFrom("3.1", "v0.4", DIGEST),
    fc.array(fc.constantFrom(0, 1, DIGEST), { maxLength: 4 }),
    fc.jsonValue(),
  );
  const efuse = fc.record({ raw_value: fc.constantFrom("0x0", "0x7", "7"), value: fc.jsonValue() });
  const summary = fc.dictionary(
    fc.constantFrom(
      "SECURE_VERSION",
      "SECURE_BOOT_EN",
      "ABS_DONE_1",
      "KEY_PURPOSE_0",
      "WAFER_VERSION_MAJOR",
      "WAFER_VERSION_MINOR",
    ),
    efuse,
  );
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(field, value), summary), fc.constantFrom(ESP32, C3), (document, chip) => {
      try {
        const { flashEncryption: _, ...fields } = parseEfuseFile("e.json", JSON.stringify(document), chip);
        new Efuse(chip, fields);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
