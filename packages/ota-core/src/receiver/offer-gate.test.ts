import { expect, test } from "vitest";
import { offerOf, PRODUCT, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { provisioned, signedOffer } from "../../test/bench-trust.ts";
import { toHex } from "../bytes.ts";
import { parseEnvelope, signedBytes } from "../messages/envelope.ts";
import { sha256 } from "../sha256.ts";
import { DEVICE_ALGORITHMS } from "../signing/public-key.ts";
import { verifySignature } from "../signing/signature-verifier.ts";
import { type Admission, OfferGate, type OfferGateOptions } from "./offer-gate.ts";
import { BLANK_RECORD, type ReceiverRecord } from "./receiver-record.ts";

const OFFER = offerOf(null, { sequence: 5 });
const SIGNED = signedOffer(null, { sequence: 5 });
const SHA256 = toHex(sha256(parseEnvelope(OFFER).payload));

function gateOf(changes: Partial<OfferGateOptions> = {}): OfferGate {
  return new OfferGate({
    device: "bench-1",
    topicRoot: TOPIC_ROOT,
    product: PRODUCT,
    allowUnsigned: true,
    keySet: undefined,
    algorithms: DEVICE_ALGORITHMS,
    ...changes,
  });
}

function summary(admission: Admission): string {
  if (admission.kind === "admitted") return admission.known ? "known" : "new";
  if (admission.kind === "dropped") return admission.reason;
  if (admission.kind === "postponed") return "postponed";
  if (admission.kind === "check") return "check";
  return `${admission.kind} ${admission.error.code}`;
}

/** Lets a gate judge an offer, and answers its checks. */
function admit(gate: OfferGate, message: Uint8Array, record: ReceiverRecord): string {
  let admission: Admission | undefined = gate.admit(message, true, record, 0);
  while (admission?.kind === "check") {
    const { key, kind, payload, signature } = admission.check;
    admission = gate.answerOffer(verifySignature(key, signedBytes(kind, payload), signature), record, 0);
  }
  return admission === undefined ? "nothing" : summary(admission);
}

const CASES: readonly [
  name: string,
  message: Uint8Array,
  options: Partial<OfferGateOptions>,
  record: Partial<ReceiverRecord>,
  result: string,
][] = [
  ["a new offer", OFFER, {}, { accepted: [1, 4] }, "new"],
  ["the accepted offer again", OFFER, {}, { accepted: [1, 5], payloadSha256: SHA256 }, "known"],
  [
    "another offer under the accepted number",
    OFFER,
    {},
    { accepted: [1, 5], payloadSha256: "00" },
    "refused offer/sequence-conflict",
  ],
  ["an older offer that the broker repeats", OFFER, {}, { accepted: [1, 6] }, "stale-offer"],
  [
    "the accepted offer that the broker repeats after its epoch",
    SIGNED,
    { keySet: { ...provisioned(), document: { ...provisioned().document, epoch: 2 } } },
    { accepted: [1, 5] },
    "stale-offer",
  ],
  ["bytes that are no envelope", new Uint8Array([1]), {}, {}, "malformed protocol/malformed"],
  ["a message that is too large", new Uint8Array(4097), {}, {}, "malformed protocol/too-large"],
  ["an offer under another topic root", OFFER, { topicRoot: "other/ota" }, {}, "not-for-us"],
  ["an offer for another device", offerOf(null, { target: { devices: ["bench-2"] } }), {}, {}, "not-for-us"],
  ["an unsigned offer where none is allowed", OFFER, { allowUnsigned: false }, {}, "refused offer/untrusted"],
  ["an unsigned offer under a key set", OFFER, { keySet: provisioned() }, {}, "refused signing/unsigned"],
  ["a signed offer under its key set", SIGNED, { keySet: provisioned(), allowUnsigned: false }, {}, "new"],
  [
    "an offer of the next epoch",
    signedOffer(null, { epoch: 2 }),
    { keySet: provisioned() },
    {},
    "early offer/wrong-epoch",
  ],
];

test.for(CASES)("judges %s", ([, message, options, record, result]) => {
  expect(admit(gateOf(options), message, { ...BLANK_RECORD, ...record })).toBe(result);
});

test("refuses an older offer that arrives live", () => {
  const record = { ...BLANK_RECORD, accepted: [1, 6] } as const;
  expect(summary(gateOf().admit(OFFER, false, record, 0))).toBe("refused offer/stale");
});

test("names the next epoch only on a device with a key set", () => {
  expect(gateOf().nextEpoch).toBeUndefined();
  expect(gateOf({ keySet: provisioned() }).nextEpoch).toBe(2);
});

test("keeps the provisioned key set on a tie, and has it written only if the stored one is older or absent", () => {
  const keySet = provisioned();
  const stored = keySet.document;
  expect(gateOf({ keySet }).resume(undefined)).toBe(true);
  expect(gateOf({ keySet }).resume(stored)).toBe(false);
  const later = gateOf({ keySet });
  expect(later.resume({ ...stored, epoch: 4 })).toBe(false);
  expect(later.keySet?.epoch).toBe(4);
});

test("accepts nothing under a stored key set that this firmware can't use", () => {
  const gate = gateOf();
  expect(gate.resume({ ...provisioned().document, product: "Other Product" })).toBe(false);
  expect(admit(gate, OFFER, BLANK_RECORD)).toBe("refused offer/untrusted");
});
