/** Vectors of what a device finds at boot: records, attempts and key sets of every kind. */
import type { VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { keySetMessage, keySetObject, keySetOf, type OfferChanges, offerMessage } from "./vector-documents.ts";
import { downloading, type VectorScenario } from "./vector-scenario.ts";
import { OLD_SHA256, textOf, type VectorScript } from "./vector-script.ts";

const KEY_SET = keySetObject();

const ROUTINE: OfferChanges = { signers: ["offer"], releaseSigners: ["release"] };

async function start(script: VectorScript): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
}

/** A device that boots with a certain key set in NVS. */
function storedKeys(name: string, rule: string, stored: object, provisioned: VectorObject | null): VectorScenario {
  return {
    name,
    rule,
    keySet: provisioned,
    allowUnsigned: true,
    async play(script) {
      script.keySet = stored as VectorObject;
      await start(script);
      await script.offer(offerMessage(script), { retained: false });
      await script.offer(offerMessage(script, { ...ROUTINE, epoch: 2, sequence: 2 }), { retained: false });
    },
  };
}

const TRUST =
  "Of the stored and the provisioned key set it trusts the one with the later epoch; on a tie, the provisioned one.";

/** Vectors of boots. */
export const BOOT_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "probation-without-an-offer",
    rule: "No attempt in the record, pending verification: begins a probation that no offer is about.",
    async play(script) {
      await script.boot({ pendingVerify: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.run({ type: "self-test", passed: true });
      await script.boot({ pendingVerify: true });
      await script.run({ type: "self-test", passed: false });
      await script.feed({ type: "flash-failed", operation: "roll-back", esp_err: 0x1507 });
    },
  },
  {
    name: "known-offer-during-a-probation-of-its-own",
    rule: "On probation the offer waits.",
    async play(script) {
      await downloading(script);
      await script.run({ type: "cancel" });
      await script.boot({ pendingVerify: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "proven-image",
    rule: "An attempt of the running image that is proven, not pending verification: records confirmed.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.feed({ type: "self-test", passed: true });
      await script.boot({ runsNewImage: true, cleanReset: false });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "image-that-can-not-be-confirmed",
    rule: "Otherwise the device stores the error in the attempt and rolls back.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.run({ type: "self-test", passed: true }, { fail: { "mark-valid": 0x105 } });
    },
  },
  {
    name: "probation-over-while-connected",
    rule: "The probation failed or was too long.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.timer("probation", 60_000);
    },
  },
  {
    name: "another-image-on-probation",
    rule: "An attempt of another image, pending verification: rolls back with delivery/image-mismatch.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ pendingVerify: true });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "confirmed-image-is-gone",
    rule: "The image hash decides, never a version: many images have one version.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.run({ type: "self-test", passed: true });
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
    },
  },
  {
    name: "neither-keys-nor-permission",
    rule: "The device has neither a key set nor allow_unsigned: offer/untrusted.",
    allowUnsigned: false,
    async play(script) {
      await start(script);
      await script.offer(offerMessage(script), { retained: false });
      await script.message(script.topics.keys(1), textOf(keySetMessage(keySetOf(), ["root"])));
    },
  },
  storedKeys("stored-keys-alone", TRUST, keySetOf({ epoch: 2 }), null),
  storedKeys("stored-keys-of-an-earlier-epoch", TRUST, keySetOf(), keySetObject({ epoch: 2 })),
  storedKeys(
    "stored-keys-of-the-same-epoch",
    TRUST,
    keySetOf({ epoch: 2, root: ["second"] }),
    keySetObject({ epoch: 2 }),
  ),
  storedKeys("stored-keys-of-another-product", TRUST, keySetOf({ epoch: 2, product: "Other" }), KEY_SET),
  storedKeys(
    "foreign-keys-alone",
    "What an unusable key set demands can't be known: the device takes no offer.",
    keySetOf({ product: "Other" }),
    null,
  ),
  storedKeys(
    "unusable-keys-alone",
    "What an unusable key set demands can't be known: the device takes no offer.",
    keySetOf({ offer: ["ed25519"] }),
    null,
  ),
  ...(["2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"] as const).map(
    (builtAt, index): VectorScenario => ({
      name: `time-of-keys-and-build-${index + 1}`,
      rule: "The floor is the latest of build time, key set and authentic offers.",
      keySet: KEY_SET,
      async play(script) {
        await script.boot({ builtAt });
        await script.run({ type: "connected" });
        const times = [
          ["2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z"],
          ["2026-12-31T00:00:00Z", "2026-06-01T00:00:00.5Z"],
          ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"],
          ["2028-01-01T00:00:00Z", "2027-06-01T00:00:00Z"],
        ];
        for (const [index, [expires = "", issued = ""]] of times.entries()) {
          const changes = {
            ...ROUTINE,
            sequence: index + 1,
            id: `0${index}`.repeat(16),
            expires_at: expires,
            issued_at: issued,
          };
          await script.offer(offerMessage(script, changes));
        }
      },
    }),
  ),
  {
    name: "records-that-are-none",
    rule: "A record that is malformed counts as none.",
    async play(script) {
      const good = { accepted: [1, 5], payloadSha256: "" };
      const attempt = { offer: "ab".repeat(16), image: OLD_SHA256, attempts: 1, probationMs: 60_000 };
      const outcome = { offer: "ab".repeat(16), image: OLD_SHA256, outcome: "confirmed" };
      const records: readonly object[] = [
        ...[good, { ...good, attempt: { ...attempt, proven: true } }],
        ...[
          { ...good, outcome },
          { ...good, outcome: { ...outcome, error: "x/y" } },
        ],
        ...[
          {},
          { accepted: [1, 5] },
          { ...good, accepted: [1] },
          { ...good, accepted: ["1", 5] },
          { ...good, accepted: [1, null] },
        ],
        ...[
          { ...good, payloadSha256: 1 },
          { ...good, floor: {} },
          { ...good, floor: { epoch: 1 } },
          { ...good, floor: { epoch: "1", time: "2026-01-01T00:00:00Z" } },
        ],
        ...[
          { ...good, attempt: {} },
          { ...good, attempt: { ...attempt, proven: 1 } },
          { ...good, outcome: { ...outcome, error: "x/\ud7ff\ue000é€😀" } },
          { ...good, attempt: { ...attempt, offer: 1 } },
        ],
        ...[
          { ...good, attempt: { ...attempt, image: 1 } },
          { ...good, attempt: { ...attempt, attempts: "1" } },
        ],
        ...[
          { ...good, attempt: { ...attempt, probationMs: null } },
          { ...good, attempt: { ...attempt, error: 1 } },
        ],
        ...[
          { ...good, outcome: {} },
          { ...good, outcome: { ...outcome, outcome: "x" } },
          { ...good, outcome: { ...outcome, offer: 1 } },
        ],
        ...[
          { ...good, outcome: { ...outcome, image: 1 } },
          { ...good, outcome: { ...outcome, error: 1 } },
        ],
      ];
      for (const record of records) {
        script.record = record as VectorObject;
        await start(script);
      }
    },
  },
];
