import fc from "fast-check";
import { expect, test } from "vitest";
import { benchKeySet, createBenchKey, sealed } from "../../test/bench-keys.ts";
import { isOtaError } from "../errors.ts";
import { envelopeToJson } from "../messages/envelope.ts";
import { buildKeySet } from "../messages/key-set.ts";
import { formatNvsCsv } from "../nvs/format-nvs-csv.ts";
import { parseNvsCsv } from "../nvs/nvs-csv.ts";
import type { NvsEntryInput } from "../nvs/nvs-entry-input.ts";
import { buildNvsPartition } from "../nvs/nvs-writer.ts";
import type { Provisioning } from "../schemas/types.generated.ts";
import { readKeySet } from "../signing/key-set-step.ts";
import { verifySignature } from "../signing/signature-verifier.ts";
import { PROVISIONING_KEYS, provisioningEntries, provisioningOfPartition } from "./provisioning-nvs.ts";

const KEY = createBenchKey();
const KEYS = benchKeySet({ root: [[KEY], 1], release: [[KEY], 1], offer: [[KEY], 1] });
const KEY_SET = envelopeToJson(sealed("keys", buildKeySet(KEYS), [KEY]));
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

const DOCUMENT: Provisioning = {
  provisioning: 1,
  device_id: "bench-1",
  broker: "mqtts://broker.example:8883",
  topic: "tinybms/gateway/ota",
  product: "TinyBMS Web Gateway",
  username: "bench-1",
  password: 'p"a,s s#',
  ca_certificate: PEM,
  certificate: PEM,
  private_key: PEM.replaceAll("CERTIFICATE", "PRIVATE KEY"),
  key_set: KEY_SET,
};

const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 });
const document: fc.Arbitrary<Provisioning> = fc
  .record(
    {
      device_id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
      broker: fc.constantFrom("mqtt://10.0.0.1", "mqtts://broker.example:8883", "wss://broker.example/mqtt?x=1"),
      topic: fc.stringMatching(/^[a-z][a-z/ ]{0,44}$/),
      login: fc.option(fc.record({ username: text, password: text }), { nil: {} }),
      ca_certificate: fc.constantFrom(PEM, PEM.repeat(40)),
      tls: fc.option(fc.constant({ certificate: PEM, private_key: PEM })),
      isSigned: fc.boolean(),
    },
    { requiredKeys: ["device_id", "broker", "topic", "login", "tls", "isSigned"] },
  )
  .map(({ isSigned, login, tls, ...rest }) => ({
    provisioning: 1,
    product: KEYS.product,
    ...rest,
    ...login,
    ...(tls ?? {}),
    ...(isSigned ? { key_set: KEY_SET } : { allow_unsigned: true }),
  }));

test("a device reads back its provisioning, also from CSV in the generator's format", () => {
  fc.assert(
    fc.property(document, (wanted) => {
      const own: NvsEntryInput = { namespace: "wifi", key: "ssid", type: "string", value: "workshop" };
      const entries = [...provisioningEntries(wanted), own];
      const bytes = buildNvsPartition(entries, { sizeBytes: 0x6000 });
      expect(provisioningOfPartition(bytes)).toEqual(wanted);
      expect(buildNvsPartition(parseNvsCsv(formatNvsCsv(entries)), { sizeBytes: 0x6000 })).toEqual(bytes);
    }),
  );
});

test("every member has a key of at most 15 characters, and a key set is stored as its envelope", () => {
  expect(PROVISIONING_KEYS.filter(({ key }) => key.length > 15)).toEqual([]);
  expect(new Set(PROVISIONING_KEYS.map(({ member }) => member))).toEqual(
    new Set([...Object.keys(DOCUMENT), "allow_unsigned"]),
  );
  const keySet = provisioningEntries(DOCUMENT).find(({ key }) => key === "key_set");
  if (!(keySet?.value instanceof Uint8Array)) throw new Error("the key set is a blob");
  expect(readKeySet(keySet.value, verifySignature).document).toEqual(KEYS);
});

const problemsOf = (value: unknown): string => {
  try {
    provisioningEntries(value as Provisioning);
  } catch (error) {
    if (isOtaError(error, "provisioning/invalid")) return `${error.message} ${JSON.stringify(error.details)}`;
    throw error;
  }
  throw new Error("it was taken");
};

test.for([
  [{ device_id: "a/b" }, 'the provisioning of a?b: device_id is "a/b"; it must be 1 to 64 of A-Z'],
  [{ device_id: undefined }, "the document lacks device_id"],
  [{ broker: "http://x" }, "it must be a broker URL that begins with mqtt://"],
  [{ broker: "mqtt://user:hush@x" }, "broker has another value; it must be a broker URL"],
  [{ topic: "a/#" }, "without the wildcards"],
  [{ topic: "ä".repeat(30) }, "topic has more than 45 bytes"],
  [{ passwort: "hush" }, "has a member passwort; no member of that name is allowed"],
  [{ password: "hush\0" }, "password has another value"],
  [{ username: undefined }, "a password is given without a username"],
  [{ certificate: undefined }, "certificate and private_key go together"],
  [{ allow_unsigned: true }, "a device with a key set accepts only signed offers"],
  [{ key_set: undefined }, "neither key_set nor allow_unsigned"],
  [{ product: "Other" }, 'is for "TinyBMS Web Gateway", and the product is "Other"'],
  [{ key_set: { payload: "e30=", signatures: [] } }, "key_set: keys: the document lacks keys"],
] as const)("%j is refused without repeating a secret", ([changes, message]) => {
  const merged = Object.fromEntries(
    Object.entries({ ...DOCUMENT, ...changes }).filter(([, value]) => value !== undefined),
  );
  const told = problemsOf(merged);
  expect(told).toContain(message);
  expect(told).not.toMatch(/hush|p\\?"a,s s#/);
});

test("refuses a partition without the key, with another type, or with an invalid key set", () => {
  const read = (entries: readonly NvsEntryInput[]) => () =>
    provisioningOfPartition(buildNvsPartition(entries, { sizeBytes: 0x4000 }));
  const code = (name: string) => expect.objectContaining({ code: name });
  const entries = provisioningEntries(DOCUMENT);
  expect(read([{ namespace: "tinybms", key: "device_id", type: "string", value: "x" }])).toThrow(
    code("nvs/not-provisioned"),
  );
  expect(read(entries.map((entry) => ({ ...entry, namespace: "other" })))).toThrow(code("nvs/not-provisioned"));
  const other = (key: string, replacement: NvsEntryInput) =>
    entries.map((entry) => (entry.key === key ? replacement : entry));
  const place = { namespace: "tinybms" };
  expect(read(other("broker", { ...place, key: "broker", type: "u8", value: 1 }))).toThrow("lacks broker");
  expect(read(other("key_set", { ...place, key: "key_set", type: "blob", value: Uint8Array.of(1) }))).toThrow(
    code("provisioning/invalid"),
  );
  expect(read(other("provisioning", { ...place, key: "provisioning", type: "u8", value: 2 }))).toThrow("must be 1");
  expect(() => provisioningOfPartition(new Uint8Array(0))).toThrow(code("nvs/not-provisioned"));
});
