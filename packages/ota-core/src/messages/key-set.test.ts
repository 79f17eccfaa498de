import fc from "fast-check";
import { expect, test } from "vitest";
import { toBase64, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { buildKeySet, keyIdOf, parseKeySet } from "./key-set.ts";

/** Stands for a DER SubjectPublicKeyInfo, which the key set does not look into. */
const SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 0x05);
const ID = keyIdOf(SPKI);
const OTHER_ID = keyIdOf(Uint8Array.of(0));
const KEYS: KeySet = {
  keys: 1,
  product: "TinyBMS Web Gateway",
  epoch: 1,
  issued_at: "2026-01-31T12:00:00Z",
  revoked: [],
  roles: {
    root: { keyids: [ID], threshold: 1 },
    release: { keyids: [ID], threshold: 1 },
    offer: { keyids: [ID], threshold: 1 },
  },
  records: { [ID]: { alg: "ed25519", spki: toBase64(SPKI) } },
};

const keySet: fc.Arbitrary<KeySet> = fc
  .uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 91 }), { minLength: 1, maxLength: 8, selector: keyIdOf })
  .chain((spkis) => {
    const role = fc
      .subarray(spkis.map(keyIdOf), { minLength: 1 })
      .chain((keyids) => fc.integer({ min: 1, max: keyids.length }).map((threshold) => ({ keyids, threshold })));
    const alg = fc.constantFrom("ecdsa-p256-sha256" as const, "rsa-pkcs1v15-sha256" as const, "ed25519" as const);
    return fc.record({
      keys: fc.constant(1 as const),
      product: fc.string({ minLength: 1, maxLength: 128 }),
      epoch: fc.integer({ min: 1, max: 2_147_483_647 }),
      issued_at: fc.constant("2026-01-31T12:00:00.000Z"),
      revoked: fc.array(fc.stringMatching(/^[0-9a-f]{32}$/), { maxLength: 4 }),
      roles: fc.record({ root: role, release: role, offer: role }),
      records: fc
        .tuple(...spkis.map(() => alg))
        .map((algs) =>
          Object.fromEntries(spkis.map((spki, i) => [keyIdOf(spki), { alg: algs[i]!, spki: toBase64(spki) }])),
        ),
    });
  });

test("every built key set is parsed back to itself", () => {
  fc.assert(fc.property(keySet, (value) => void expect(parseKeySet(buildKeySet(value))).toEqual(value)));
});

test("any bytes give a key set or an OtaError", () => {
  const damaged = fc.tuple(keySet, fc.nat(), fc.nat({ max: 255 })).map(([value, place, byte]) => {
    const bytes = buildKeySet(value);
    bytes[place % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const value = parseKeySet(bytes);
        expect(parseKeySet(buildKeySet(value))).toEqual(value);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test("a key's id is the first 16 bytes of the SHA-256 of its SubjectPublicKeyInfo", () => {
  // SHA-256("abc"), FIPS 180-4 appendix
  expect(keyIdOf(utf8("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223");
});

const role = (change: object): object => ({ roles: { ...KEYS.roles, offer: { ...KEYS.roles.offer, ...change } } });

test.for([
  ["of another format", { keys: 2 }, "/keys"],
  ["of epoch 0", { epoch: 0 }, "/epoch"],
  ["without a role", { roles: { root: KEYS.roles.root, release: KEYS.roles.release } }, "/roles"],
  ["whose role needs nobody", role({ threshold: 0 }), "/roles/offer/threshold"],
  ["whose role has too few keys", role({ threshold: 2 }), "/roles/offer/threshold"],
  ["whose role names a key twice", role({ keyids: [ID, ID], threshold: 2 }), "/roles/offer/keyids"],
  ["whose role names a key without a record", role({ keyids: [OTHER_ID] }), "/roles/offer/keyids"],
  ["whose role names what is no key", role({ keyids: ["toString"] }), "/roles/offer/keyids/0"],
  ["with a key of an unknown kind", { records: { [ID]: { alg: "dsa", spki: "MCow" } } }, `/records/${ID}/alg`],
  ["with a key under another's id", { records: { [ID]: { alg: "ed25519", spki: "MCow" } } }, `/records/${ID}/spki`],
  ["with a key in loose base64", { records: { [ID]: { alg: "ed25519", spki: "MCowBR==" } } }, `/records/${ID}/spki`],
] as const)("a key set %s is refused with the place of the fault", ([, change, path]) => {
  expect(() => parseKeySet(utf8(JSON.stringify({ ...KEYS, ...change })))).toThrow(
    expect.objectContaining({ code: "protocol/malformed", details: { message: "keys", path } }),
  );
});

test.for([
  ["a member twice", '{"keys":1,"keys":1}', "for the second time"],
  ["an integer beyond a signed 32-bit counter", JSON.stringify({ ...KEYS, epoch: 2_147_483_648 }), "must lie between"],
  ["an integer that no double holds", JSON.stringify(KEYS).replace('"epoch":1', '"epoch":9007199254740993'), "between"],
  ["the name __proto__", JSON.stringify(KEYS).replace('"records":{', '"records":{"__proto__":{},'), "__proto__"],
  ["nine levels", `{"keys":${"[".repeat(8)}${"]".repeat(8)}}`, "8"],
] as const)("a key set with %s is refused as JSON", ([, json, text]) => {
  expect(() => parseKeySet(utf8(json))).toThrow(
    expect.objectContaining({ code: "protocol/malformed", message: expect.stringContaining(text) }),
  );
});

test("a key set above 4096 bytes is refused before it is parsed", () => {
  expect(() => parseKeySet(new Uint8Array(4097))).toThrow(expect.objectContaining({ code: "protocol/too-large" }));
});
