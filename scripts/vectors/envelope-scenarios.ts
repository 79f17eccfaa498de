/** Vectors of envelopes with a member that is wrong. */

import { offerAll, type RawMembers, rawEnvelope, rawObject, reconnect, WITHDRAWAL } from "./raw-documents.ts";
import { keySetObject } from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";

const PAYLOAD = Buffer.from(rawObject(WITHDRAWAL)).toString("base64");

const SIGNATURE: RawMembers = { keyid: `"${"ab".repeat(16)}"`, alg: '"ecdsa-p256-sha256"', sig: '"MAYCAQECAQE="' };

const RULE = "A message that is no envelope of an offer is counted, and not answered.";

const envelope = (members: RawMembers): string => rawObject({ payload: `"${PAYLOAD}"`, signatures: "[]", ...members });

const signed = (members: RawMembers, count = 1): string => {
  const signature = rawObject({ ...SIGNATURE, ...members });
  return envelope({ signatures: `[${Array(count).fill(signature).join(",")}]` });
};

/** Base64 that is not canonical, or not base64. */
const NOT_BASE64 = [
  "A",
  "AA",
  "AAA",
  "=",
  "==",
  "A===",
  "AA=A",
  "AB==",
  "AAB=",
  "A-B_",
  "AA A",
  "AAA@",
  "AAA[",
  "AAA{",
  "AAAA=",
];

/** Vectors of envelopes. */
export const ENVELOPE_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "envelope-payload",
    rule: RULE,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await offerAll(
        script,
        NOT_BASE64.map((text) => envelope({ payload: `"${text}"` })),
      );
      await offerAll(
        script,
        [undefined, "1", "null", "{}", '"\\n"', '""'].map((payload) => envelope({ payload })),
      );
      await offerAll(
        script,
        [undefined, "1", "{}", '""'].map((signatures) => envelope({ signatures })),
      );
      await reconnect(script);
    },
  },
  {
    name: "envelope-signatures",
    rule: RULE,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await offerAll(script, [signed({}, 5), envelope({ signatures: "[1]" }), envelope({ signatures: "[null]" })]);
      const keyids = [undefined, "1", '""', `"${"AB".repeat(16)}"`, `"${"ab".repeat(15)}"`, `"${"ag".repeat(16)}"`];
      await offerAll(
        script,
        [...keyids, `"${"a/".repeat(16)}"`, `"${"/a".repeat(16)}"`].map((keyid) => signed({ keyid })),
      );
      const algs = [undefined, "1", '""', '"-a"', '"A"', '"a_b"', '"a/b"', '"a{"', `"${"a".repeat(33)}"`];
      await offerAll(
        script,
        algs.map((alg) => signed({ alg })),
      );
      const sigs = [undefined, "1", '"A"', `"${"AAAA".repeat(257)}"`];
      await offerAll(
        script,
        sigs.map((sig) => signed({ sig })),
      );
      await reconnect(script);
    },
  },
  {
    name: "envelope-of-a-stranger",
    rule: "A device without a key set takes an offer whatever its signatures are.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await offerAll(script, [signed({}), signed({ alg: `"a-9${"z".repeat(29)}"`, sig: '""' }, 4)]);
    },
  },
  {
    name: "messages-too-large",
    rule: "Offers and key sets have at most 4 096 bytes.",
    keySet: keySetObject(),
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      for (const topic of [script.topics.offer, script.topics.deviceOffer("bench-1"), script.topics.keys(2)]) {
        for (const length of [4096, 4097, 4116, 4117, 100_000]) {
          await script.message(topic, { fill: 0x20, length });
        }
      }
      await reconnect(script);
    },
  },
  {
    name: "payload-too-large",
    rule: "Offers and key sets have at most 4 096 bytes.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const large = rawEnvelope(rawObject({ ...WITHDRAWAL, x: `"${"x".repeat(2700)}"` }));
      await offerAll(script, [large, rawEnvelope(rawObject({ ...WITHDRAWAL, x: `"${"x".repeat(2900)}"` }))]);
      await reconnect(script);
    },
  },
  {
    name: "cleared-topics",
    rule: "An empty message says nothing.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      for (const topic of [script.topics.offer, script.topics.deviceOffer("bench-1"), script.topics.keys(2)]) {
        await script.message(topic, { text: "" });
      }
      await script.message(script.topics.keys(2), { text: "{}" });
      await script.message(script.topics.keys(2), { fill: 0x20, length: 5000 });
      await reconnect(script);
    },
  },
];
