/** Vectors of offers that a device checks before the first erase. */

import { OTHER_IMAGE, offerMessage, releaseOf } from "./vector-documents.ts";
import { accepting, downloading, type VectorScenario } from "./vector-scenario.ts";
import { DEVICE, OLD_SHA256, textOf, type VectorScript } from "./vector-script.ts";

/** A device that refuses one offer. */
function refusal(name: string, rule: string, offer: (script: VectorScript) => Uint8Array): VectorScenario {
  return {
    name,
    rule,
    async play(script) {
      await accepting(script, offer(script));
    },
  };
}

/** Offers to a device without a key set. */
export const OFFER_SCENARIOS: readonly VectorScenario[] = [
  refusal("wrong-product", "Checked before the first erase: product.", (script) =>
    offerMessage(script, { release: releaseOf(script, { product: "Other" }) }),
  ),
  refusal("wrong-hardware", "Checked before the first erase: hardware.", (script) =>
    offerMessage(script, { release: releaseOf(script, { hardware: "esp32c3" }) }),
  ),
  refusal("unknown-hardware", "A hardware name that is not a chip's restricts nothing.", (script) =>
    offerMessage(script, { release: releaseOf(script, { hardware: "gateway rev B" }) }),
  ),
  refusal("wrong-chip", "Checked before the first erase: chip.", (script) =>
    offerMessage(script, { release: releaseOf(script, {}, { chip_id: 5 }) }),
  ),
  refusal("waived-chip", "waive gets past a check that a receiver has wrong in the field.", (script) =>
    offerMessage(script, { release: releaseOf(script, {}, { chip_id: 5 }), waive: ["chip-id"] }),
  ),
  refusal("too-large", "Checked before the first erase: size against the slot.", (script) =>
    offerMessage(script, { release: releaseOf(script, {}, { size: 2_000_000 }) }),
  ),
  refusal("from-other-images", "Checked before the first erase: constraints.", (script) =>
    offerMessage(script, { constraints: { from_images: [OTHER_IMAGE] } }),
  ),
  refusal("from-this-image", "Checked before the first erase: constraints.", (script) =>
    offerMessage(script, { constraints: { from_images: [OTHER_IMAGE, OLD_SHA256.slice(0, 32)] } }),
  ),
  refusal("waived-constraints", "waive gets past a check that a receiver has wrong in the field.", (script) =>
    offerMessage(script, { constraints: { from_images: [OTHER_IMAGE] }, waive: ["constraints"] }),
  ),
  refusal("critical-unknown", "A device that lacks a critical feature rejects the offer.", (script) =>
    offerMessage(script, { critical: ["telepathy"] }),
  ),
  refusal("critical-known", "critical may name members that the device honors.", (script) =>
    offerMessage(script, {
      critical: [
        "target",
        "constraints",
        "waive",
        "expires_at",
        "spread_ms",
        "probation_ms",
        "probation_max_ms",
        "restart_spread_ms",
      ],
    }),
  ),
  refusal("only-deflate", "A device needs one chunk encoding that it knows.", (script) =>
    offerMessage(script, { chunk_encodings: ["deflate"] }),
  ),
  refusal("deflate-and-identity", "A device needs one chunk encoding that it knows.", (script) =>
    offerMessage(script, { chunk_encodings: ["deflate", "identity"] }),
  ),
  refusal("other-device", "An offer that is not for the device changes nothing.", (script) =>
    offerMessage(script, { target: { devices: ["bench-2"] } }),
  ),
  refusal("named-device", "target names devices.", (script) => offerMessage(script, { target: { devices: [DEVICE] } })),
  refusal("rollout-of-none", "rollout admits a device by its name and the salt.", (script) =>
    offerMessage(script, { target: { rollout: { permille: 0, salt: "00".repeat(16) } } }),
  ),
  refusal("rollout-of-some", "rollout admits a device by its name and the salt.", (script) =>
    offerMessage(script, { target: { rollout: { permille: 500, salt: "07".repeat(16) } } }),
  ),
  refusal("rollout-of-all", "rollout admits a device by its name and the salt.", (script) =>
    offerMessage(script, { target: { rollout: { permille: 1000, salt: "00".repeat(16) } } }),
  ),
  refusal(
    "other-topic-root",
    "topic_root is signed: an offer can't be replayed on another product's topic.",
    (script) => offerMessage(script, { topic_root: "other/ota" }),
  ),
  {
    name: "no-slot",
    rule: "Checked before the first erase: that there is a slot.",
    async play(script) {
      await script.boot({ target: null });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "secure-version-too-low",
    rule: "Checked before the first erase: secure version against eFuse.",
    async play(script) {
      await script.boot({ secureVersion: 2 });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "expired-before-the-build",
    rule: "A device without a clock refuses what expired before its time floor.",
    async play(script) {
      await script.boot({ builtAt: "2026-06-01T00:00:00Z" });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { expires_at: "2026-05-01T00:00:00Z" }));
      await script.offer(offerMessage(script, { sequence: 2, expires_at: "2026-06-01T00:00:00Z" }));
    },
  },
  {
    name: "expired-by-the-clock",
    rule: "A device that knows the time judges expiry by the later of clock and floor, and stores only the floor.",
    async play(script) {
      await script.boot({ builtAt: "2026-02-01T00:00:00Z" });
      await script.run({ type: "clock", utc: Date.UTC(2026, 5, 1) });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { expires_at: "2026-05-01T00:00:00Z" }));
      script.now += 60_000;
      await script.offer(offerMessage(script, { sequence: 2, expires_at: "2026-06-01T00:00:30Z" }));
      await script.run({ type: "clock" });
      await script.offer(offerMessage(script, { sequence: 3, expires_at: "2026-05-01T00:00:00Z" }));
    },
  },
  {
    name: "expired-before-another-offer",
    rule: "The floor is the latest issued_at of every authentic offer of the epoch that was for the device.",
    async play(script) {
      await accepting(script, offerMessage(script, { issued_at: "2026-03-01T00:00:00.500Z", release: null }));
      await script.offer(offerMessage(script, { sequence: 2, expires_at: "2026-03-01T00:00:00Z" }));
      await script.offer(offerMessage(script, { sequence: 3, expires_at: "2026-03-02T00:00:00Z" }));
    },
  },
  {
    name: "stale-offer",
    rule: "A device refuses a lower sequence.",
    async play(script) {
      await downloading(script, offerMessage(script, { sequence: 5 }));
      await script.offer(offerMessage(script, { sequence: 4 }), { retained: false });
      await script.offer(offerMessage(script, { sequence: 3 }), { retained: true });
    },
  },
  {
    name: "sequence-conflict",
    rule: "A device refuses the same sequence with any other payload.",
    async play(script) {
      await downloading(script, offerMessage(script, { sequence: 5 }));
      await script.offer(offerMessage(script, { sequence: 5, id: "ee".repeat(16) }), { retained: false });
    },
  },
  {
    name: "garbage-offers",
    rule: "Decoding is strict: canonical base64 only, duplicate members refused, depth at most 8, integers at most 2^31 - 1.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const good = Buffer.from(offerMessage(script)).toString("utf8");
      const payload = JSON.parse(good).payload as string;
      const inner = Buffer.from(payload, "base64").toString("utf8");
      const enveloped = (text: string): string =>
        JSON.stringify({ payload: Buffer.from(text).toString("base64"), signatures: [] });
      const texts = [
        "",
        "hello",
        "[]",
        good.slice(0, -1),
        `${good}x`,
        good.replace('{"payload"', '{"payload":"","payload"'),
        JSON.stringify({ payload: `${payload}=`, signatures: [] }),
        JSON.stringify({ payload: payload.slice(0, -1), signatures: [] }),
        JSON.stringify({ payload }),
        enveloped(inner.replace('"sequence":1', '"sequence":1.0')),
        enveloped(inner.replace('"sequence":1', '"sequence":1e0')),
        enveloped(inner.replace('"sequence":1', '"sequence":2147483648')),
        enveloped(inner.replace('"sequence":1', '"sequence":-1')),
        enveloped(inner.replace('"sequence":1', '"sequence":"1"')),
        enveloped(inner.replace('"sequence":1', '"sequence":1,"sequence":2')),
        enveloped(inner.replace('"sequence":1', `"sequence":1,"more":${"[".repeat(8)}${"]".repeat(8)}`)),
      ];
      for (const text of texts) await script.message(script.topics.offer, { text }, { retained: false });
      await script.message(script.topics.offer, textOf(offerMessage(script)), { retained: false });
    },
  },
  {
    name: "malformed-times-to-install",
    rule: "An offer whose members are not as the schema says is malformed.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const wrong: readonly object[] = [
        { install_after: "2026-03-01" },
        { install_after: 1 },
        { between: null },
        { between: {} },
        { between: { start_minute: 1440, minutes: 1 } },
        { between: { start_minute: 0, minutes: 0 } },
        { between: { start_minute: 0, minutes: 1441 } },
        { between: { start_minute: 0, minutes: 1, offset_minutes: 841 } },
        { between: { start_minute: 0, minutes: 1, offset_minutes: -841 } },
        { between: { start_minute: 0, minutes: 1, offset_minutes: "1" } },
        { restart_spread_ms: 3_600_001 },
        { probation_max_ms: 999 },
      ];
      const { payload } = JSON.parse(Buffer.from(offerMessage(script)).toString("utf8"));
      const offer = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
      for (const members of wrong) {
        const changed = Buffer.from(JSON.stringify({ ...offer, ...members })).toString("base64");
        const text = JSON.stringify({ payload: changed, signatures: [] });
        await script.message(script.topics.offer, { text }, { retained: false });
      }
    },
  },
  {
    name: "own-offer",
    rule: "Of a product-wide and an own offer the higher sequence wins.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.message(script.topics.deviceOffer(DEVICE), textOf(offerMessage(script, { sequence: 9 })));
      await script.offer(offerMessage(script, { sequence: 8, id: "ee".repeat(16) }));
    },
  },
  {
    name: "withdrawal-at-rest",
    rule: "A withdrawal leaves the running image.",
    async play(script) {
      await accepting(script, offerMessage(script, { release: null }));
    },
  },
];
