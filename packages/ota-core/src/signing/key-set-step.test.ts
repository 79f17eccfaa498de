import fc from "fast-check";
import { expect, test } from "vitest";
import { type BenchKey, benchKeySet, createBenchKey, sealed, sealedKeySet } from "../../test/bench-keys.ts";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { advanceKeySet, readKeySet } from "./key-set-step.ts";
import { verifySignature } from "./signature-verifier.ts";
import { trustKeys } from "./trusted-keys.ts";
import { verifyEnvelope } from "./verify-envelope.ts";

const POOL: readonly BenchKey[] = Array.from({ length: 5 }, () => createBenchKey());
const [A, B, C, D] = POOL as [BenchKey, BenchKey, BenchKey, BenchKey, BenchKey];
const MALLORY = createBenchKey();

const setOf = (
  epoch: number,
  roots: readonly BenchKey[],
  threshold: number,
  revoked: readonly BenchKey[] = [],
): KeySet => benchKeySet({ root: [roots, threshold], release: [[D], 1], offer: [[D], 1] }, { epoch, revoked });

const FIRST = trustKeys(setOf(1, [A, B, C], 2));
const advance = (document: KeySet, signers: readonly BenchKey[], from = FIRST) =>
  advanceKeySet(from, sealedKeySet(document, signers), verifySignature);

test("the first set is accepted if a threshold of its own root keys has signed it", () => {
  const document = setOf(1, [A, B, C], 2);
  expect(readKeySet(sealedKeySet(document, [B, C]), verifySignature)).toEqual(trustKeys(document));
  expect(() => readKeySet(sealedKeySet(document, [B]), verifySignature)).toThrow(
    expect.objectContaining({ code: "signing/threshold" }),
  );
  expect(() => readKeySet(sealedKeySet(document, []), verifySignature)).toThrow(
    expect.objectContaining({ code: "signing/unsigned" }),
  );
});

test("the next set needs a threshold of the old root keys and of its own", () => {
  const document = setOf(2, [C, D], 2);
  expect(advance(document, [A, B, C, D]).document).toEqual(document);
  expect(advance(document, [D, C, A]).document.epoch).toBe(2); // C counts on both sides
  for (const [signers, text] of [
    [[C, D], "1 of 2"], // only C is of the old
    [[A, B, C], "1 of 2"], // only C is of the new
  ] as const)
    expect(() => advance(document, signers)).toThrow(text);
});

test.for([
  ["the same epoch", 1],
  ["an epoch that skips one", 3],
  ["the last epoch there is", 2_147_483_647],
] as const)("%s is refused, before anything is verified", ([, epoch]) => {
  const never = () => expect.fail("nothing is verified");
  expect(() => advanceKeySet(FIRST, sealedKeySet(setOf(epoch, [A], 1), [A, B]), never)).toThrow(
    expect.objectContaining({ code: "signing/key-set-epoch", details: { expected: 2, found: epoch } }),
  );
});

test("an envelope of more than 4096 bytes is refused before anything is verified", () => {
  const never = () => expect.fail("nothing is verified");
  const next = sealedKeySet(setOf(2, [A], 1), [A, B]);
  const padded = (sizeBytes: number): Uint8Array => {
    const bytes = new Uint8Array(sizeBytes).fill(0x20);
    bytes.set(next);
    return bytes;
  };
  expect(advanceKeySet(FIRST, padded(4_096), verifySignature).document.epoch).toBe(2);
  for (const read of [() => advanceKeySet(FIRST, padded(4_097), never), () => readKeySet(padded(4_097), never)]) {
    expect(read).toThrow(expect.objectContaining({ code: "protocol/too-large" }));
  }
});

test("a set of another product is refused even with valid signatures", () => {
  expect(() => advance({ ...setOf(2, [A], 1), product: "Toaster" }, [A, B])).toThrow(
    expect.objectContaining({ code: "signing/key-set-product" }),
  );
});

test("a set whose record states an algorithm other than the key's is refused", () => {
  const document = setOf(2, [A, B], 1);
  document.records[D.keyid]!.alg = "ed25519";
  expect(() => advance(document, [A, B])).toThrow(expect.objectContaining({ code: "signing/key-unsupported" }));
});

test("one stolen root key of three can't take over with a threshold of two; the others revoke it", () => {
  const coup = setOf(2, [MALLORY], 1);
  expect(() => advance(coup, [A, MALLORY])).toThrow(expect.objectContaining({ code: "signing/threshold" }));
  const cure = advance(setOf(2, [B, C], 2, [A]), [B, C]);
  expect(() => advance(setOf(3, [MALLORY], 1), [A, MALLORY], cure)).toThrow(
    expect.objectContaining({ code: "signing/revoked-key", details: { kind: "keys", keyid: A.keyid } }),
  );
});

test("offers of a stolen key are invalid after the next set, and the operator continues", () => {
  const thief = createBenchKey();
  const roles = { root: [[A], 1], release: [[A], 1], offer: [[thief], 1] } as const;
  const before = trustKeys(benchKeySet(roles));
  const stolen = sealed("offer", utf8("{}"), [thief]);
  expect(verifyEnvelope(stolen, "offer", before, verifySignature).keyids).toEqual([thief.keyid]);
  const document = benchKeySet({ ...roles, offer: [[B], 1] }, { epoch: 2, revoked: [thief] });
  const after = advance(document, [A], before);
  expect(() => verifyEnvelope(stolen, "offer", after, verifySignature)).toThrow(
    expect.objectContaining({ code: "signing/revoked-key" }),
  );
  const own = sealed("offer", utf8("{}"), [B]);
  expect(verifyEnvelope(own, "offer", after, verifySignature).keyids).toEqual([B.keyid]);
});

const rootRole = fc
  .subarray([...POOL], { minLength: 1, maxLength: 4 })
  .chain((keys) => fc.integer({ min: 1, max: keys.length }).map((threshold) => ({ keys, threshold })));

test("a set is accepted if and only if both thresholds are met, for any roots, revocations and signers", () => {
  const outcomes = { taken: 0, refused: 0 };
  const subset = (maxLength: number) => fc.subarray([...POOL, MALLORY], { maxLength });
  fc.assert(
    fc.property(rootRole, rootRole, subset(4), subset(1), subset(1), (old, next, signers, oldRevoked, newRevoked) => {
      const current = trustKeys(setOf(4, old.keys, old.threshold, oldRevoked));
      const document = setOf(5, next.keys, next.threshold, newRevoked);
      const enough = ({ keys, threshold }: typeof old, revoked: readonly BenchKey[]): boolean =>
        keys.filter((key) => signers.includes(key) && !revoked.includes(key)).length >= threshold;
      if (enough(old, oldRevoked) && enough(next, newRevoked)) {
        expect(advance(document, signers, current).document).toEqual(document);
        outcomes.taken++;
      } else {
        expect(() => advance(document, signers, current)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^signing\//) }),
        );
        outcomes.refused++;
      }
    }),
    { numRuns: 300 },
  );
  expect(outcomes.taken).toBeGreaterThan(20);
  expect(outcomes.refused).toBeGreaterThan(20);
});

test("any bytes give the signed next set or an OtaError", () => {
  const document = setOf(2, [A, B], 1);
  const bytes = sealedKeySet(document, [A, B]);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, bits) => {
      try {
        const message = bytes.with(place, bytes[place]! ^ bits);
        expect(advanceKeySet(FIRST, message, verifySignature).document).toEqual(document);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
