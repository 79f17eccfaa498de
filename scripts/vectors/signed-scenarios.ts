/** Vectors of devices with a key set. */
import type { VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { keySetMessage, keySetOf, type OfferChanges, offerMessage, releaseOf } from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";
import { type Answers, textOf, type VectorScript } from "./vector-script.ts";

const ROUTINE: OfferChanges = { signers: ["offer"], releaseSigners: ["release"] };

const KEY_SET = keySetOf();

const json = (document: object): VectorObject => document as VectorObject;

async function start(script: VectorScript): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
}

/** A device that judges one offer. */
function judged(
  name: string,
  rule: string,
  changes: OfferChanges,
  { keySet = KEY_SET, valid = [] }: { readonly keySet?: object; readonly valid?: readonly boolean[] } = {},
): VectorScenario {
  return {
    name,
    rule,
    keySet: json(keySet),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, ...changes }), { answers: { valid: [...valid] } });
    },
  };
}

/** Publishes a key set on the topic of its epoch. */
function takeKeySet(
  script: VectorScript,
  message: Uint8Array,
  epoch: number,
  { retained = true, answers = {} }: { readonly retained?: boolean; readonly answers?: Answers } = {},
): Promise<unknown> {
  return script.message(script.topics.keys(epoch), textOf(message), { retained, answers });
}

/** A device that judges one key set. */
function keySetJudged(
  name: string,
  rule: string,
  message: Uint8Array,
  { valid = [], keySet = KEY_SET }: { readonly valid?: readonly boolean[]; readonly keySet?: object } = {},
): VectorScenario {
  return {
    name,
    rule,
    keySet: json(keySet),
    async play(script) {
      await start(script);
      await takeKeySet(script, message, 2, { answers: { valid: [...valid] } });
      await script.offer(offerMessage(script, { ...ROUTINE, epoch: 2 }));
    },
  };
}

const SIGNATURE_RULE =
  "Offers and releases count only under the current key set, signed by a threshold of the role's keys.";
const STEP_RULE = "Epoch n + 1 is accepted when a threshold of n's root keys and of its own has signed it.";

/** Vectors of signatures, key sets and their budgets. */
export const SIGNED_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "signed-delivery",
    rule: SIGNATURE_RULE,
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, ROUTINE));
      await script.hashes();
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.run({ type: "self-test", passed: true });
    },
  },
  judged("unsigned-offer", SIGNATURE_RULE, { signers: [] }),
  judged("unsigned-release", SIGNATURE_RULE, { releaseSigners: [] }),
  judged("bad-offer-signature", SIGNATURE_RULE, {}, { valid: [false, false] }),
  judged("bad-release-signature", SIGNATURE_RULE, {}, { valid: [true, false] }),
  judged("offer-by-unknown-key", SIGNATURE_RULE, { signers: ["other"] }, { valid: [false] }),
  judged("offer-by-release-key", SIGNATURE_RULE, { signers: ["release"] }, { valid: [false] }),
  judged(
    "offer-by-revoked-key",
    SIGNATURE_RULE,
    { signers: ["second"] },
    {
      keySet: keySetOf({ revoked: ["second"] }),
      valid: [false],
    },
  ),
  judged(
    "threshold-of-two",
    SIGNATURE_RULE,
    { signers: ["offer", "second"] },
    {
      keySet: keySetOf({ offer: ["offer", "second"], thresholds: { offer: 2 } }),
    },
  ),
  judged(
    "threshold-not-met",
    SIGNATURE_RULE,
    { signers: ["offer", "other"] },
    {
      keySet: keySetOf({ offer: ["offer", "second"], thresholds: { offer: 2 } }),
      valid: [true, false],
    },
  ),
  judged(
    "one-key-counts-once",
    "Each key counts once.",
    { signers: ["offer", "offer"] },
    {
      keySet: keySetOf({ offer: ["offer", "second"], thresholds: { offer: 2 } }),
      valid: [true, false, false],
    },
  ),
  judged(
    "keyid-only-orders",
    "keyid only orders the attempts.",
    { signers: ["second"] },
    {
      keySet: keySetOf({ offer: ["offer", "second", "other"] }),
      valid: [false, false, true],
    },
  ),
  judged(
    "rsa-signatures",
    "Algorithms: ecdsa-p256-sha256, rsa-pkcs1v15-sha256.",
    { signers: ["rsa"] },
    {
      keySet: keySetOf({ offer: ["rsa"] }),
    },
  ),
  {
    ...judged("release-of-another-offer", SIGNATURE_RULE, {}),
    name: "verdict-is-remembered",
    rule: "A message that was judged before costs nothing.",
    async play(script) {
      await start(script);
      const offer = offerMessage(script, ROUTINE);
      await script.offer(offer, { answers: { valid: [false] } });
      await script.offer(offer);
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["offer", "other"] }));
    },
  },
  {
    name: "no-rsa",
    rule: "A key set that a device can't use is refused by its own code.",
    keySet: json(KEY_SET),
    algorithms: ["ecdsa-p256-sha256"],
    async play(script) {
      await start(script);
      await takeKeySet(script, keySetMessage(keySetOf({ epoch: 2, offer: ["rsa"] }), ["root"]), 2);
    },
  },
  keySetJudged("key-set-step", STEP_RULE, keySetMessage(keySetOf({ epoch: 2 }), ["root"])),
  keySetJudged(
    "key-set-with-another-root",
    STEP_RULE,
    keySetMessage(keySetOf({ epoch: 2, root: ["second"] }), ["root", "second"]),
  ),
  keySetJudged(
    "key-set-without-the-old-root",
    STEP_RULE,
    keySetMessage(keySetOf({ epoch: 2, root: ["second"] }), ["second"]),
    {
      valid: [false],
    },
  ),
  keySetJudged("key-set-unsigned", STEP_RULE, keySetMessage(keySetOf({ epoch: 2 }), [])),
  keySetJudged("key-set-badly-signed", STEP_RULE, keySetMessage(keySetOf({ epoch: 2 }), ["root"]), { valid: [false] }),
  keySetJudged("key-set-of-a-later-epoch", STEP_RULE, keySetMessage(keySetOf({ epoch: 3 }), ["root"])),
  keySetJudged("key-set-of-the-same-epoch", STEP_RULE, keySetMessage(keySetOf({ epoch: 1 }), ["root"])),
  keySetJudged(
    "key-set-of-another-product",
    STEP_RULE,
    keySetMessage(keySetOf({ epoch: 2, product: "Other" }), ["root"]),
  ),
  {
    name: "malformed-key-sets",
    rule: "Decoding is strict: canonical base64 only, duplicate members refused, depth at most 8, integers at most 2^31 - 1.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      const good = Buffer.from(keySetMessage(keySetOf({ epoch: 2 }), ["root"])).toString("utf8");
      for (const text of ["", "[]", good.slice(1), good.replace('"payload"', '"payload":"","payload"')]) {
        await script.message(script.topics.keys(2), { text }, { retained: false });
      }
      await script.message(script.topics.keys(2), { text: good });
    },
  },
  {
    name: "offer-of-a-former-epoch",
    rule: "An offer of a former epoch is refused before it is verified.",
    keySet: json(keySetOf({ epoch: 2 })),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, epoch: 1 }), { retained: false });
    },
  },
  {
    name: "step-ends-a-download",
    rule: "A download under an offer of the epoch before ends as rejected; the slot is used again.",
    keySet: json(KEY_SET),
    size: 20_000,
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, ROUTINE));
      await script.hashes();
      await script.chunk(1);
      await takeKeySet(script, keySetMessage(keySetOf({ epoch: 2 }), ["root"]), 2);
      await script.offer(offerMessage(script, { ...ROUTINE, epoch: 2 }));
      await script.hashes();
    },
  },
  {
    name: "step-after-a-reset",
    rule: "Of the kept set and the provisioned one the later epoch is trusted.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      await takeKeySet(script, keySetMessage(keySetOf({ epoch: 2 }), ["root"]), 2);
      await script.boot();
      await script.run({ type: "connected" });
    },
  },
  {
    name: "flood-of-live-offers",
    rule: "Live messages can't use up the verifications for what the broker repeats on request.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      for (let count = 0; count < 12; count++) {
        script.now += 10;
        const forged = offerMessage(script, { ...ROUTINE, sequence: 100 + count });
        await script.offer(forged, { retained: false, answers: { valid: [false] } });
      }
      await script.offer(offerMessage(script, ROUTINE));
    },
  },
  {
    name: "flood-of-retained-offers",
    rule: "A device drops what it can't verify, and subscribes again once the budgets for retained messages are full.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      for (let count = 0; count < 20; count++) {
        script.now += 10;
        const forged = offerMessage(script, { ...ROUTINE, sequence: 100 + count });
        await script.offer(forged, { answers: { valid: [false] } });
      }
      await script.timer("verify", 61_000);
      await script.offer(offerMessage(script, ROUTINE));
    },
  },
  {
    name: "busy-while-verifying",
    rule: "While a verification is under way, other envelopes and chunks are dropped, and asked for again.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      await script.feed({
        type: "message",
        topic: script.topics.offer,
        retained: true,
        payload: textOf(offerMessage(script, ROUTINE)),
      });
      const other = offerMessage(script, { ...ROUTINE, sequence: 2 });
      await script.feed({ type: "message", topic: script.topics.offer, retained: true, payload: textOf(other) });
      await script.feed({ type: "disconnected" });
      await script.feed({ type: "connected" });
      await script.run({ type: "verified", valid: true });
    },
  },
  judged("signed-withdrawal", "A withdrawal is an offer with release null.", {
    release: null,
    signers: ["offer"],
  }),
  {
    name: "signed-stale-offers",
    rule: "A device refuses a lower sequence.",
    keySet: json(KEY_SET),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 5, release: null }));
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 4 }), { retained: false });
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 5 }), { retained: false });
      const wrong = releaseOf(script, { product: "Other" });
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 6, release: wrong }));
    },
  },
];
