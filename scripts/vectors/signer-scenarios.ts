/** Vectors of signatures and budgets in unusual cases: many keys, wrong algorithms, revoked keys, floods of key sets. */
import {
  keyOf,
  keySetMessage,
  keySetObject,
  keySetOf,
  type OfferChanges,
  offerMessage,
  releaseOf,
} from "./vector-documents.ts";
import { NO_SPACE, type VectorScenario } from "./vector-scenario.ts";
import { textOf, type VectorScript } from "./vector-script.ts";

const ROUTINE: OfferChanges = { signers: ["offer"], releaseSigners: ["release"] };

const NEVER = (): boolean[] => Array(16).fill(false);

async function start(script: VectorScript): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
}

const FOUR = ["offer", "second", "other", "root"] as const;

/** Vectors of signers. */
export const SIGNER_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "many-signatures-and-keys",
    rule: "At most 8 verifications for one message.",
    keySet: keySetObject({ offer: FOUR }),
    async play(script) {
      await start(script);
      const offer = offerMessage(script, { ...ROUTINE, signers: FOUR });
      await script.offer(offer, { answers: { valid: NEVER() } });
      await script.offer(offerMessage(script, { ...ROUTINE, signers: FOUR, sequence: 2 }), {
        answers: { valid: NEVER() },
      });
      await script.offer(offerMessage(script, { ...ROUTINE, signers: FOUR, sequence: 3 }), {
        answers: { valid: NEVER() },
      });
      await script.timer("verify", 120_000);
    },
  },
  {
    name: "many-signatures-with-a-budget-that-is-partly-used",
    rule: "A message is examined only if the verifications that an authentic one costs are left in its budget.",
    keySet: keySetObject({ offer: FOUR }),
    async play(script) {
      await start(script);
      const answers = (): { valid: boolean[] } => ({ valid: NEVER() });
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["offer"], sequence: 7 }), {
        retained: false,
        answers: answers(),
      });
      await script.offer(
        offerMessage(script, { ...ROUTINE, signers: ["offer", "second"], sequence: 8, release: null }),
        { retained: false, answers: answers() },
      );
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 9 }), { retained: false, answers: answers() });
      script.now = 61_000;
      await script.timer("verify", 61_000);
      await script.offer(offerMessage(script, { ...ROUTINE, sequence: 9 }), { retained: false });
    },
  },
  {
    name: "judged-live-then-retained",
    rule: "4 verdicts are kept for each kind, retained and live apart, by the SHA-256 of the whole message.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      const messages = [1, 2, 3, 4, 5].map((sequence) => offerMessage(script, { ...ROUTINE, sequence }));
      for (const message of messages.slice(0, 2))
        await script.offer(message, { retained: false, answers: { valid: NEVER() } });
      for (const message of messages.slice(0, 2)) await script.offer(message);
      for (const message of messages.slice(2)) await script.offer(message, { answers: { valid: NEVER() } });
      for (const message of messages.slice(2)) await script.offer(message, { retained: false });
    },
  },
  {
    name: "key-of-another-algorithm",
    rule: "A key of another algorithm than the signature names is not tried.",
    keySet: keySetObject({ offer: ["offer", "rsa"] }),
    async play(script) {
      await start(script);
      const swapped = (from: "offer" | "rsa", alg: string): Uint8Array => {
        const text = Buffer.from(offerMessage(script, { ...ROUTINE, signers: [from] })).toString("utf8");
        return Buffer.from(text.replace(`"alg":"${keyOf(from).alg}"`, `"alg":"${alg}"`));
      };
      await script.offer(swapped("offer", "rsa-pkcs1v15-sha256"), { retained: false, answers: { valid: NEVER() } });
      await script.offer(swapped("rsa", "ecdsa-p256-sha256"), { retained: false, answers: { valid: NEVER() } });
      await script.offer(swapped("rsa", "x"), { retained: false, answers: { valid: NEVER() } });
    },
  },
  {
    name: "key-that-the-device-can-not-use",
    rule: "A device verifies only with the algorithms that it was built with.",
    algorithms: ["ecdsa-p256-sha256"],
    keySet: keySetObject({ offer: ["offer", "rsa"] }),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["rsa"] }), {
        retained: false,
        answers: { valid: NEVER() },
      });
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["rsa", "offer"] }));
    },
  },
  {
    name: "revoked-key-of-a-role",
    rule: "A revoked key counts for nothing.",
    keySet: keySetObject({ offer: ["offer", "second"], revoked: ["second"] }),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["second"] }), { answers: { valid: NEVER() } });
      await script.offer(offerMessage(script, { ...ROUTINE, signers: ["second", "offer"] }));
    },
  },
  {
    name: "flood-of-key-sets",
    rule: "verifications in any 60 s, key sets: 8 retained, 8 live.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      for (const retained of [false, true]) {
        for (let second = 0; second < 10; second++) {
          const forged = keySetOf({
            epoch: 2,
            release: second % 2 === 0 ? ["other"] : ["second"],
            offer: [FOUR[second % 4] ?? "offer"],
            root: second < 4 ? ["root"] : ["root", "second"],
            thresholds: { root: second < 8 ? 1 : 2 },
          });
          script.now += 10;
          await script.message(script.topics.keys(2), textOf(keySetMessage(forged, ["root"])), {
            retained,
            answers: { valid: NEVER() },
          });
        }
      }
      await script.timer("verify", 62_000);
    },
  },
  {
    name: "step-while-disconnected",
    rule: "A lost connection changes nothing else.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      await script.feed({
        type: "message",
        topic: script.topics.keys(2),
        retained: true,
        payload: textOf(keySetMessage(keySetOf({ epoch: 2 }), ["root"])),
      });
      await script.feed({ type: "disconnected" });
      await script.run({ type: "verified", valid: true });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "refused-while-disconnected",
    rule: "A lost connection changes nothing else.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      await script.feed({
        type: "message",
        topic: script.topics.offer,
        retained: false,
        payload: textOf(offerMessage(script, ROUTINE)),
      });
      await script.feed({ type: "disconnected" });
      await script.run({ type: "verified", valid: false });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "chunk-while-verifying",
    rule: "While a verification is under way, other envelopes and chunks are dropped as busy.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, ROUTINE));
      await script.hashes();
      await script.feed({
        type: "message",
        topic: script.topics.offer,
        retained: true,
        payload: textOf(offerMessage(script, { ...ROUTINE, sequence: 2, id: "ee".repeat(16) })),
      });
      const topic = script.topics.imageChunk(script.imageId);
      await script.feed({ type: "message", topic, retained: false, payload: { chunk: 1 } });
      await script.feed({ type: "message", topic, retained: false, payload: { fill: 0, length: 9_000 } });
      await script.run({ type: "verified", valid: false });
      await script.chunk(1);
    },
  },
  {
    name: "step-during-the-switch",
    rule: "Once the image is set to boot, a key set's step does not end the update.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, ROUTINE));
      await script.hashes();
      await script.chunk(1);
      await script.chunk(2);
      const topic = script.topics.imageChunk(script.imageId);
      await script.feed({ type: "message", topic, retained: false, payload: { chunk: 0 } });
      for (const operation of ["erase-sector", "program"])
        await script.feed({ type: "flash-done", result: { operation } });
      const image = { sha256: script.imageSha256, chip_id: 0, secure_version: 0, project_name: "bench" };
      await script.feed({
        type: "flash-done",
        result: { operation: "verify-image", stored_sha256: script.imageSha256, image },
      });
      await script.feed({
        type: "message",
        topic: script.topics.keys(2),
        retained: true,
        payload: textOf(keySetMessage(keySetOf({ epoch: 2 }), ["root"])),
      });
      for (let times = 0; times < 2; times++) await script.feed({ type: "verified", valid: true });
      await script.feed({ type: "flash-failed", operation: "set-boot-partition", esp_err: NO_SPACE });
    },
  },
  {
    name: "accepted-offer-of-a-former-key-set",
    rule: "A retained offer that is the accepted one of a former key set is passed over in silence.",
    keySet: keySetObject(),
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script, { ...ROUTINE, release: null }));
      await script.message(script.topics.keys(2), textOf(keySetMessage(keySetOf({ epoch: 2 }), ["root"])));
      await script.offer(offerMessage(script, { ...ROUTINE, release: null }));
      await script.offer(offerMessage(script, { ...ROUTINE, release: null }), { retained: false });
    },
  },
  {
    name: "signed-offers-that-do-not-fit",
    rule: "A signed offer tells the time even if the device can't take it.",
    keySet: keySetObject(),
    async play(script) {
      await script.boot({ builtAt: "2026-01-01T00:00:00Z" });
      await script.run({ type: "connected" });
      const months = ["03", "02", "04", "04"];
      for (const [index, month] of months.entries()) {
        const release = releaseOf(script, { product: "Other" });
        const changes = { sequence: index + 1, id: `0${index}`.repeat(16), issued_at: `2026-${month}-01T00:00:00Z` };
        await script.offer(offerMessage(script, { ...ROUTINE, ...changes, release }));
      }
      const fit = { sequence: 9, id: "aa".repeat(16), issued_at: "2026-01-15T00:00:00Z" };
      await script.offer(offerMessage(script, { ...ROUTINE, ...fit }));
    },
  },
];
