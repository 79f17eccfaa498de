import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../bytes.ts";
import { decryptNvsPartition, encryptNvsPartition } from "./nvs-encryption.ts";
import { buildNvsKeys, parseNvsKeys } from "./nvs-keys.ts";
import { readNvsPartition } from "./nvs-partition.ts";
import { buildNvsPartition } from "./nvs-writer.ts";

const KEYS = { encryptionKey: new Uint8Array(32).fill(0x11), tweakKey: new Uint8Array(32).fill(0x22) };
const PLAIN = buildNvsPartition([{ namespace: "cfg", key: "boot", type: "u8", value: 7 }], { sizeBytes: 0x3000 });

test("encrypts each written entry as its own data unit; headers, bitmaps and blank entries stay plain", async () => {
  const encrypted = encryptNvsPartition(PLAIN, KEYS);
  expect(toHex(encrypted.subarray(0, 64))).toBe(toHex(PLAIN.subarray(0, 64)));
  expect(encrypted.subarray(128).every((byte) => byte === 0xff)).toBe(true);
  // Node's own XTS-AES-256, data unit 0x60: the second entry.
  const { createCipheriv } = await import("node:crypto");
  const key = new Uint8Array([...KEYS.encryptionKey, ...KEYS.tweakKey]);
  const cipher = createCipheriv("aes-256-xts", key, fromHex(`60${"00".repeat(15)}`)!);
  expect(toHex(encrypted.subarray(96, 128))).toBe(toHex(cipher.update(PLAIN.subarray(96, 128))));
  expect(readNvsPartition(encrypted).problems.map(({ code }) => code)).toEqual(["nvs/encrypted"]);
  expect(decryptNvsPartition(encrypted, KEYS)).toEqual(PLAIN);
});

test("decrypts any bytes, and changes only entries", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000, size: "max" }), (bytes) => {
      const decrypted = decryptNvsPartition(bytes, KEYS);
      expect(decrypted.length).toBe(bytes.length);
      expect(decrypted.subarray(0, 64)).toEqual(bytes.subarray(0, 64));
      const wholePages = bytes.length - (bytes.length % 4096);
      expect(decrypted.subarray(wholePages)).toEqual(bytes.subarray(wholePages));
      expect(encryptNvsPartition(bytes, KEYS).length).toBe(bytes.length);
    }),
    { numRuns: 30 },
  );
});

test("keys are read back from their partition, and a blank, short or damaged one is refused", () => {
  const bytes = buildNvsKeys(KEYS);
  expect(bytes.length).toBe(4096);
  expect(parseNvsKeys(bytes)).toEqual(KEYS);
  expect(parseNvsKeys(bytes.subarray(0, 68))).toEqual(KEYS);
  expect(() => parseNvsKeys(bytes.subarray(0, 67))).toThrow("NVS keys are 68 bytes; there are 67");
  expect(() => parseNvsKeys(new Uint8Array(4096).fill(0xff))).toThrow("there are no NVS keys yet");
  bytes[5] = 0;
  expect(() => parseNvsKeys(bytes)).toThrow("the CRC of the NVS keys is wrong");
  const short = { ...KEYS, tweakKey: new Uint8Array(31) };
  for (const use of [() => buildNvsKeys(short), () => encryptNvsPartition(PLAIN, short)]) {
    expect(use).toThrow("NVS keys are twice 32 bytes; these are 32 and 31");
  }
});
