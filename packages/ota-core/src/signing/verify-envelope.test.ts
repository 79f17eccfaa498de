import { constants, sign } from "node:crypto";
import { expect, test } from "vitest";
import { type BenchKey, type BenchRole, benchKeySet, createBenchKey, sealed } from "../../test/bench-keys.ts";
import { concatBytes, equalBytes, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildEnvelope, type Envelope, parseEnvelope, type SignedKind, signedBytes } from "../messages/envelope.ts";
import { verifySignature } from "./signature-verifier.ts";
import { type KeyRoleName, type TrustedKeys, trustKeys } from "./trusted-keys.ts";
import { verifyEnvelope } from "./verify-envelope.ts";

const [ALICE, BOB, CAROL, DAVE, MALLORY] = Array.from({ length: 5 }, () => createBenchKey()) as [
  BenchKey,
  BenchKey,
  BenchKey,
  BenchKey,
  BenchKey,
];
const RSA = createBenchKey("rsa");
const ED25519 = createBenchKey("ed25519");
const PAYLOAD = utf8('{"release":1}');

/** A set in which these keys have the role, and one key all others. */
function trusted(role: KeyRoleName, keys: BenchRole, revoked: readonly BenchKey[] = []): TrustedKeys {
  const roles: Record<KeyRoleName, BenchRole> = { root: [[DAVE], 1], release: [[DAVE], 1], offer: [[DAVE], 1] };
  return trustKeys(benchKeySet({ ...roles, [role]: keys }, { revoked }));
}

const verify = (envelope: Envelope, keys: TrustedKeys, kind: SignedKind = "release") =>
  verifyEnvelope(envelope, kind, keys, verifySignature);

test.for([
  ["release", "release"],
  ["offer", "offer"],
  ["keys", "root"],
] as const)("a %s signed by a key of the role %s counts, and gives the verified bytes", ([kind, role]) => {
  const envelope = sealed(kind, PAYLOAD, [ALICE]);
  expect(verify(envelope, trusted(role, [[ALICE], 1]), kind)).toEqual({ payload: PAYLOAD, keyids: [ALICE.keyid] });
});

test("a signature for one kind is invalid for another", () => {
  for (const kind of ["offer", "release", "keys"] as const) {
    const keys = trustKeys(benchKeySet({ root: [[ALICE], 1], release: [[ALICE], 1], offer: [[ALICE], 1] }));
    for (const other of ["offer", "release", "keys"] as const) {
      const envelope = sealed(kind, PAYLOAD, [ALICE]);
      if (kind === other) expect(verify(envelope, keys, other).keyids).toEqual([ALICE.keyid]);
      else
        expect(() => verify(envelope, keys, other)).toThrow(expect.objectContaining({ code: "signing/bad-signature" }));
    }
  }
});

const damaged = ({ payload, signatures }: Envelope): Envelope => ({
  payload,
  signatures: signatures.map((signature) => ({ ...signature, sig: signature.sig.with(-1, signature.sig.at(-1)! ^ 1) })),
});

test.for([
  ["without a signature", { payload: PAYLOAD, signatures: [] }, [[ALICE], 1], "signing/unsigned", "demands it"],
  ["of an unknown key", sealed("release", PAYLOAD, [MALLORY]), [[ALICE], 1], "signing/unknown-key", "doesn't hold"],
  [
    "of a key of another role",
    sealed("release", PAYLOAD, [DAVE]),
    [[ALICE], 1],
    "signing/wrong-role",
    "the role release",
  ],
  [
    "with a broken signature",
    damaged(sealed("release", PAYLOAD, [ALICE])),
    [[ALICE], 1],
    "signing/bad-signature",
    "none of",
  ],
  [
    "whose payload was changed",
    { ...sealed("release", PAYLOAD, [ALICE]), payload: utf8('{"release":2}') },
    [[ALICE], 1],
    "signing/bad-signature",
    ALICE.keyid,
  ],
  [
    "that states another algorithm",
    {
      payload: PAYLOAD,
      signatures: sealed("release", PAYLOAD, [ALICE]).signatures.map((it) => ({ ...it, alg: "none" })),
    },
    [[ALICE], 1],
    "signing/wrong-algorithm",
    "states none",
  ],
  ["of one of two", sealed("release", PAYLOAD, [ALICE]), [[ALICE, BOB], 2], "signing/threshold", "1 of 2 release keys"],
  [
    "of one key twice",
    sealed("release", PAYLOAD, [ALICE, ALICE]),
    [[ALICE, BOB], 2],
    "signing/threshold",
    "1 of 2 release keys",
  ],
  [
    "of one key and a stranger",
    sealed("release", PAYLOAD, [ALICE, MALLORY]),
    [[ALICE, BOB], 2],
    "signing/threshold",
    `key ${MALLORY.keyid}, which key set 1 doesn't hold`,
  ],
] as const)("a release %s is refused with a code of its own", ([, envelope, role, code, text]) => {
  expect(() => verify(envelope, trusted("release", role))).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(text) }),
  );
});

test("a revoked key counts nowhere, even if its role still lists it", () => {
  const keys = trusted("release", [[ALICE, BOB], 1], [ALICE]);
  expect(() => verify(sealed("release", PAYLOAD, [ALICE]), keys)).toThrow(
    expect.objectContaining({ code: "signing/revoked-key", details: { kind: "release", keyid: ALICE.keyid } }),
  );
  expect(verify(sealed("release", PAYLOAD, [ALICE, BOB]), keys).keyids).toEqual([BOB.keyid]);
});

test("a threshold is met by different keys, of different types, in any order", () => {
  const keys = trusted("release", [[ALICE, RSA, ED25519, BOB], 3]);
  expect(verify(sealed("release", PAYLOAD, [ED25519, ALICE, RSA]), keys).keyids).toHaveLength(3);
  expect(verify(sealed("release", PAYLOAD, [MALLORY, BOB, RSA, ALICE]), keys).keyids).toHaveLength(3);
  expect(() => verify(sealed("release", PAYLOAD, [BOB, RSA]), keys)).toThrow(
    expect.objectContaining({ code: "signing/threshold", details: { kind: "release", needed: 3, found: 2 } }),
  );
});

test("uses the id in a signature only to choose which key to try first", () => {
  const envelope = sealed("release", PAYLOAD, [ALICE]);
  const misnamed = { ...envelope, signatures: envelope.signatures.map((it) => ({ ...it, keyid: MALLORY.keyid })) };
  expect(verify(misnamed, trusted("release", [[BOB, ALICE], 1])).keyids).toEqual([ALICE.keyid]);
});

test("an envelope costs one verification for each honest signature, and never more than eight", () => {
  let verifications = 0;
  const counted: typeof verifySignature = (...question) => {
    verifications++;
    return verifySignature(...question);
  };
  const others = Array.from({ length: 5 }, () => createBenchKey());
  const keys = trusted("release", [[...others, ALICE, BOB, CAROL], 2]);
  verifyEnvelope(sealed("release", PAYLOAD, [ALICE, BOB]), "release", keys, counted);
  expect(verifications).toBe(2);
  verifications = 0;
  verifyEnvelope(sealed("release", PAYLOAD, [ALICE, ALICE, ALICE, BOB]), "release", keys, counted);
  expect(verifications, "a key that counted is not tried again").toBe(2);
  verifications = 0;
  const forged = sealed("release", PAYLOAD, [MALLORY, MALLORY, MALLORY, MALLORY]);
  expect(() => verifyEnvelope(forged, "release", keys, counted)).toThrow();
  expect(verifications).toBe(8);
});

/** Every way in which a key could sign, and how the result is spelled. */
const ENCODINGS = ["DER", "r and s", "PKCS #1 v1.5", "PSS", "plain"] as const;

function signatureOf(key: BenchKey, encoding: (typeof ENCODINGS)[number], message: Uint8Array): Uint8Array | undefined {
  const { privateKey, alg } = key;
  const isRsa = alg === "rsa-pkcs1v15-sha256";
  const padding = encoding === "PSS" ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  if (alg === "ed25519") return encoding === "plain" ? sign(null, message, privateKey) : undefined;
  if (isRsa)
    return encoding === "PSS" || encoding === "PKCS #1 v1.5"
      ? sign("sha256", message, { key: privateKey, padding })
      : undefined;
  if (encoding !== "DER" && encoding !== "r and s") return undefined;
  return sign("sha256", message, { key: privateKey, dsaEncoding: encoding === "DER" ? "der" : "ieee-p1363" });
}

test.for([
  [ALICE, "DER"],
  [RSA, "PKCS #1 v1.5"],
  [ED25519, "plain"],
] as const)("of stated algorithm, type of key and encoding one combination counts: $0.alg, %s", ([signer, right]) => {
  const message = signedBytes("release", PAYLOAD);
  let accepted = 0;
  let tried = 0;
  for (const alg of [ALICE.alg, RSA.alg, ED25519.alg, "ecdsa-p256-sha384", "none"])
    for (const trustedKey of [ALICE, RSA, ED25519])
      for (const encoding of ENCODINGS) {
        const sig = signatureOf(signer, encoding, message);
        if (sig === undefined) continue;
        tried++;
        const envelope = { payload: PAYLOAD, signatures: [{ keyid: trustedKey.keyid, alg, sig }] };
        const counts = alg === signer.alg && trustedKey === signer && encoding === right;
        const keys = trusted("release", [[trustedKey], 1]);
        if (counts) {
          accepted++;
          expect(verify(envelope, keys).keyids).toEqual([signer.keyid]);
        } else {
          expect(() => verify(envelope, keys), `${alg} ${trustedKey.alg} ${encoding}`).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^signing\/(?:bad-signature|wrong-algorithm)$/) }),
          );
        }
      }
  expect(accepted).toBe(1);
  expect(tried).toBeGreaterThanOrEqual(15);
});

test("a DER signature with trailing bytes or in a longer form is invalid", () => {
  const envelope = sealed("release", PAYLOAD, [ALICE]);
  const { sig } = envelope.signatures[0]!;
  const longer = concatBytes([Uint8Array.of(0x30, 0x81), sig.subarray(1)]); // the length in two bytes
  for (const other of [concatBytes([sig, Uint8Array.of(0)]), longer, sig.subarray(0, -1), new Uint8Array()]) {
    const changed = { payload: PAYLOAD, signatures: [{ ...envelope.signatures[0]!, sig: other }] };
    expect(() => verify(changed, trusted("release", [[ALICE], 1]))).toThrow("none of key");
  }
});

test.for([
  ["ECDSA", ALICE],
  ["RSA", RSA],
  ["Ed25519", ED25519],
] as const)("no byte of an envelope signed with %s can be changed so that another payload counts", ([, key]) => {
  const keys = trusted("release", [[key], 1]);
  const bytes = buildEnvelope(PAYLOAD, sealed("release", PAYLOAD, [key]).signatures);
  const codes = new Map<string, number>();
  for (let place = 0; place < bytes.length; place++)
    for (const bits of [0x01, 0x20, 0x80]) {
      try {
        const { payload } = verify(parseEnvelope(bytes.with(place, bytes[place]! ^ bits)), keys);
        expect(equalBytes(payload, PAYLOAD), `byte ${place}`).toBe(true);
        codes.set("accepted", (codes.get("accepted") ?? 0) + 1);
      } catch (error) {
        if (!isOtaError(error)) throw error;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
  // What was accepted named another key: 32 digits of the id, which only orders the attempts.
  expect(codes.get("accepted")).toBeLessThanOrEqual(32 * 3);
  expect(codes.get("signing/bad-signature")).toBeGreaterThan(PAYLOAD.length);
  expect(codes.get("protocol/malformed")).toBeGreaterThan(bytes.length);
});
