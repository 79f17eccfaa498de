import { expect, test } from "vitest";
import { type BenchKey, benchKeySet, createBenchKey, sealed } from "../../test/bench-keys.ts";
import { utf8 } from "../bytes.ts";
import { isFullySigned, keySetProgress, signaturesNeeded } from "./key-set-progress.ts";
import { type Signer, signEnvelope } from "./sign-envelope.ts";
import { verifySignature } from "./signature-verifier.ts";
import { trustKeys } from "./trusted-keys.ts";
import { verifyEnvelope } from "./verify-envelope.ts";

const [A, B, C] = [createBenchKey(), createBenchKey("ed25519"), createBenchKey("rsa")];
const PAYLOAD = utf8("{}");
const signer =
  (key: BenchKey): Signer =>
  async (message) => ({ key, signature: key.sign(message) });

test("a signed envelope is verified", async () => {
  const keys = trustKeys(benchKeySet({ root: [[A, B, C], 3], release: [[A, B, C], 3], offer: [[A, B, C], 3] }));
  for (const kind of ["release", "offer", "keys"] as const) {
    const envelope = await signEnvelope(kind, { payload: PAYLOAD, signatures: [] }, [A, B, C].map(signer));
    expect(verifyEnvelope(envelope, kind, keys, verifySignature).payload).toEqual(PAYLOAD);
  }
});

test("a key that signs again replaces its signature; others stay", async () => {
  const unsigned = { payload: PAYLOAD, signatures: [] };
  const once = await signEnvelope("offer", unsigned, [signer(A), signer(B)]);
  const again = await signEnvelope("offer", once, [signer(A)]);
  expect(again.signatures.map(({ keyid }) => keyid)).toEqual([B.keyid, A.keyid]);
});

test("progress lists, for both sets, which keys have signed and which may still sign", () => {
  const before = trustKeys(benchKeySet({ root: [[A, B], 1], release: [[A], 1], offer: [[A], 1] }));
  const next = trustKeys(benchKeySet({ root: [[B, C], 2], release: [[A], 1], offer: [[A], 1] }, { epoch: 2 }));
  const half = keySetProgress(sealed("keys", PAYLOAD, [B]), before, next, verifySignature);
  expect(half).toEqual([
    { epoch: 1, needed: 1, signed: [B.keyid], missing: [A.keyid] },
    { epoch: 2, needed: 2, signed: [B.keyid], missing: [C.keyid] },
  ]);
  expect(isFullySigned(half)).toBe(false);
  expect(isFullySigned(keySetProgress(sealed("keys", PAYLOAD, [B, C]), before, next, verifySignature))).toBe(true);
  expect(keySetProgress(sealed("keys", PAYLOAD, [C]), undefined, next, verifySignature)).toHaveLength(1);
});

test("a key in both sets signs once for both", () => {
  const before = trustKeys(benchKeySet({ root: [[A, B], 2], release: [[A], 1], offer: [[A], 1] }));
  const countOf = (keys: readonly BenchKey[], threshold: number): number => {
    const next = trustKeys(benchKeySet({ root: [keys, threshold], release: [[A], 1], offer: [[A], 1] }, { epoch: 2 }));
    return signaturesNeeded(keySetProgress(sealed("keys", PAYLOAD, []), before, next, verifySignature));
  };
  expect([countOf([A, B], 2), countOf([A, C], 2), countOf([C], 1), countOf([A], 1)]).toEqual([2, 3, 3, 2]);
  expect(signaturesNeeded(keySetProgress(sealed("keys", PAYLOAD, []), undefined, before, verifySignature))).toBe(2);
});
