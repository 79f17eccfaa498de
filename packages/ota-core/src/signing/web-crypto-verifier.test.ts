import fc from "fast-check";
import { expect, test } from "vitest";
import { type BenchKey, benchKeySet, createBenchKey, sealed, sealedKeySet } from "../../test/bench-keys.ts";
import { concatBytes, fromHex, utf8 } from "../bytes.ts";
import { readIntegerPair } from "./der.ts";
import { advanceKeySet } from "./key-set-step.ts";
import { verifySignature } from "./signature-verifier.ts";
import { trustKeys } from "./trusted-keys.ts";
import { verifyEnvelope } from "./verify-envelope.ts";
import { WebCryptoVerifier } from "./web-crypto-verifier.ts";

const KEYS = { ecdsa: createBenchKey("ecdsa"), rsa: createBenchKey("rsa"), ed25519: createBenchKey("ed25519") };
const { ecdsa, rsa, ed25519 } = KEYS;

test("WebCrypto and Node agree on every signature, right, damaged or of another key", async () => {
  const verdicts = new Set<boolean>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(ecdsa, rsa, ed25519),
      fc.constantFrom(ecdsa, rsa, ed25519),
      fc.uint8Array(),
      fc.option(fc.nat()),
      async (key, signer, message, damage) => {
        const right = signer.sign(message);
        const place = (damage ?? 0) % right.length;
        const signature = damage === null ? right : right.with(place, right[place]! ^ 1);
        const verifier = new WebCryptoVerifier();
        await verifier.prepare((verify) => verify(key, message, signature));
        const verdict = verifySignature(key, message, signature);
        expect(verifier.verify(key, message, signature)).toBe(verdict);
        verdicts.add(verdict);
      },
    ),
    { numRuns: 100 },
  );
  expect(verdicts.size).toBe(2);
});

/** Other ways to write down a genuine signature. OpenSSL and WebCrypto differ in which of them they would read. */
const REWRITTEN: readonly (readonly [what: string, key: BenchKey, rewrite: (signature: Uint8Array) => Uint8Array])[] = [
  ["ECDSA with a length in two bytes", ecdsa, (sig) => concatBytes([Uint8Array.of(0x30, 0x81), sig.subarray(1)])],
  ["ECDSA with a byte behind", ecdsa, (sig) => concatBytes([sig, Uint8Array.of(0)])],
  ["ECDSA with a padded r", ecdsa, padR],
  ["ECDSA with an r of 33 bytes", ecdsa, () => fromHex(`3026022101${"00".repeat(32)}020101`)!],
  ["ECDSA as r and s alone", ecdsa, (sig) => concatBytes(readIntegerPair(sig)!.map((part) => leftPad(part, 32)))],
  ["RSA with a zero before", rsa, (sig) => concatBytes([Uint8Array.of(0), sig])],
  ["RSA with a zero behind", rsa, (sig) => concatBytes([sig, Uint8Array.of(0)])],
  ["Ed25519 with a byte behind", ed25519, (sig) => concatBytes([sig, Uint8Array.of(0)])],
  ["nothing", ed25519, () => new Uint8Array()],
];

function padR(signature: Uint8Array): Uint8Array {
  const size = signature[3]!;
  const r = concatBytes([Uint8Array.of(0x02, size + 1, 0), signature.subarray(4, 4 + size)]);
  return concatBytes([Uint8Array.of(0x30, signature[1]! + 1), r, signature.subarray(4 + size)]);
}

function leftPad(bytes: Uint8Array, size: number): Uint8Array {
  const padded = new Uint8Array(size);
  padded.set(bytes, size - bytes.length);
  return padded;
}

test.for(REWRITTEN)(
  "neither Node nor WebCrypto accepts a genuine signature rewritten as %s",
  async ([, key, rewrite]) => {
    const message = utf8("x");
    const signature = rewrite(key.sign(message));
    const verifier = new WebCryptoVerifier();
    await verifier.prepare((verify) => verify(key, message, signature));
    expect([verifySignature(key, message, signature), verifier.verify(key, message, signature)]).toEqual([
      false,
      false,
    ]);
  },
);

test("short numbers in an ECDSA signature keep their place", async () => {
  const verifier = new WebCryptoVerifier();
  const message = utf8("x");
  let signature = ecdsa.sign(message);
  // About one signature in 128 has an r or s of 31 bytes or fewer.
  while (signature.length >= 70) signature = ecdsa.sign(message);
  await verifier.prepare((verify) => verify(ecdsa, message, signature));
  expect(verifier.verify(ecdsa, message, signature)).toBe(true);
});

test("a step with several dependent verifications is prepared completely", async () => {
  const first = trustKeys(benchKeySet({ root: [[ecdsa], 1], release: [[ecdsa], 1], offer: [[ed25519], 1] }));
  const message = sealedKeySet(
    benchKeySet({ root: [[rsa], 1], release: [[ecdsa], 1], offer: [[ed25519], 1] }, { epoch: 2 }),
    [ecdsa, rsa],
  );
  const offer = sealed("offer", utf8("{}"), [ed25519]);
  const step = (verify: typeof verifySignature) => {
    const next = advanceKeySet(first, message, verify);
    return verifyEnvelope(offer, "offer", next, verify);
  };
  const verifier = new WebCryptoVerifier();
  await verifier.prepare(step);
  expect(step(verifier.verify)).toEqual(step(verifySignature));
});

test("a refusal is prepared too and is the same as in Node", async () => {
  const keys = trustKeys(benchKeySet({ root: [[rsa], 1], release: [[rsa], 1], offer: [[rsa], 1] }));
  const envelope = { payload: utf8("{}"), signatures: [{ ...sealed("offer", utf8("[]"), [rsa]).signatures[0]! }] };
  const verifier = new WebCryptoVerifier();
  await verifier.prepare((verify) => verifyEnvelope(envelope, "offer", keys, verify));
  expect(() => verifyEnvelope(envelope, "offer", keys, verifier.verify)).toThrow(
    expect.objectContaining({ code: "signing/bad-signature" }),
  );
});

test("verifying an unprepared signature throws", () => {
  const message = utf8("x");
  expect(() => new WebCryptoVerifier().verify(ecdsa, message, ecdsa.sign(message))).toThrow("Bug in tinybms");
});

test("errors other than OtaError in a step are thrown", async () => {
  const fault = new TypeError("defect");
  const step = () => {
    throw fault;
  };
  await expect(new WebCryptoVerifier().prepare(step)).rejects.toBe(fault);
});
