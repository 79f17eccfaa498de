/** Vectors of devices without a key set. */
import { OTHER_IMAGE, offerMessage, releaseOf } from "./vector-documents.ts";
import { DEVICE, type ScriptOptions, textOf, type VectorScript } from "./vector-script.ts";

/** A vector to be written. */
export interface VectorScenario extends ScriptOptions {
  readonly name: string;
  play(script: VectorScript): Promise<void>;
}

const NO_SPACE = 0x1503;

/** Boots, connects, takes the offer and its hash list. */
async function downloading(script: VectorScript, offer: Uint8Array = offerMessage(script)): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
  await script.offer(offer);
  await script.hashes();
}

/** A device that refuses one offer. */
function refusal(name: string, rule: string, offer: (script: VectorScript) => Uint8Array): VectorScenario {
  return {
    name,
    rule,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offer(script));
    },
  };
}

const CHUNK_RULE = "A chunk that does not fit (length, index, image, flags, hash) is dropped and counted, never fatal.";

/** A device that drops one message instead of a chunk. */
function droppedChunk(name: string, payload: (script: VectorScript) => Uint8Array): VectorScenario {
  return {
    name,
    rule: CHUNK_RULE,
    async play(script) {
      await downloading(script);
      const topic = script.topics.imageChunk(script.imageId);
      const b64 = Buffer.from(payload(script)).toString("base64");
      await script.message(topic, { b64 }, { retained: false });
      await script.chunks();
    },
  };
}

/** A chunk message with one byte changed. */
function changedChunk(script: VectorScript, at: number, change: (byte: number) => number): Uint8Array {
  return script.chunkMessage(1).map((byte, index) => (index === at ? change(byte) : byte));
}

/** Vectors of the download and of the restart into the image. */
export const DELIVERY_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "delivery",
    rule: "A device fetches every chunk, verifies the image, starts it on probation and confirms it.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "self-test", passed: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "standing-offer-after-confirmation",
    rule: "The accepted offer, delivered again, changes nothing.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.run({ type: "self-test", passed: true });
      await script.run({ type: "disconnected" });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.boot({ runsNewImage: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "chunks-in-any-order",
    rule: "Chunks may come in any order; chunk 0 is written last.",
    size: 20_000,
    async play(script) {
      await downloading(script);
      for (const index of [3, 0, 1, 3, 4, 2]) await script.chunk(index);
      await script.chunk(0);
    },
  },
  {
    name: "resume-after-clean-reset",
    rule: "A device that reboots hashes what already stands in the target slot and asks only for what does not match.",
    size: 20_000,
    async play(script) {
      await downloading(script);
      for (const index of [1, 2]) await script.chunk(index);
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      for (const index of [3, 4, 0]) await script.chunk(index);
    },
  },
  {
    name: "resume-after-power-cut",
    rule: "After a reset that was not clean, matching chunks next to a gap are erased and written again.",
    size: 36_000,
    async play(script) {
      await downloading(script);
      for (const index of [1, 2, 3, 5]) await script.chunk(index);
      await script.boot({ cleanReset: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
    },
  },
  {
    name: "slot-holds-the-image",
    rule: "An image that stands in the slot already is verified and started without a download.",
    async play(script) {
      script.slot.set(script.image);
      await downloading(script);
    },
  },
  {
    name: "condemned-slot",
    rule: "So that an older verdict on the slot is not taken for this image's, a download invalidates the slot's otadata entry right after it erased sector 0.",
    async play(script) {
      await script.boot({ condemned: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
    },
  },
  {
    name: "already-running",
    rule: "A device that already runs the image answers confirmed and ends there.",
    async play(script) {
      await script.boot({ runsNewImage: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "requests-and-retries",
    rule: "A device asks again after 1 500 ms and a random time, twice as long each time.",
    permille: [500, 250, 999, 0],
    async play(script) {
      await downloading(script);
      for (let at = 2_250; at < 400_000; at = at * 2 + 1_500) await script.timer("request", at);
      await script.chunk(1);
      await script.timer("request", 500_000);
    },
  },
  {
    name: "spread",
    rule: "A device waits a random time from 0 to spread_ms before its first request.",
    permille: [250],
    async play(script) {
      await downloading(script, offerMessage(script, { spread_ms: 2_000 }));
      await script.timer("request", 500);
    },
  },
  {
    name: "window",
    rule: "A device asks at once when its window is used up.",
    size: 30_000,
    window: 2,
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.chunk(2);
      await script.chunk(3);
    },
  },
  {
    name: "many-gaps",
    rule: "A request names at most 64 ranges, lowest first.",
    size: 4096 * 140,
    async play(script) {
      await downloading(script);
      for (let index = 1; index < 140; index += 2) await script.chunk(index);
      await script.timer("request", 10_000);
    },
  },
  {
    name: "hash-list-asked-again",
    rule: "A device without a hash list subscribes to it again.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      for (const at of [2_000, 6_000, 14_000, 30_000, 62_000, 130_000]) await script.timer("request", at);
      await script.hashes();
    },
  },
  {
    name: "hash-list-that-does-not-fit",
    rule: "A hash list of another length or hash is dropped.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      const topic = script.topics.hashes(script.imageId);
      await script.message(topic, { fill: 7, length: 48 });
      await script.message(topic, { fill: 7, length: 47 });
      await script.message(script.topics.hashes(OTHER_IMAGE), { hash_list: true });
      await script.hashes();
      await script.hashes();
    },
  },
  {
    name: "progress-reports",
    rule: "Progress is reported at most once a second.",
    size: 40_000,
    async play(script) {
      await downloading(script);
      for (let index = 1; index < 9; index++) {
        script.now += 300;
        await script.chunk(index);
      }
      await script.timer("report", script.now + 1_000);
    },
  },
  {
    name: "connection-lost-while-downloading",
    rule: "A download survives the loss of the connection.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.run({ type: "disconnected" });
      await script.timer("request", 5_000);
      await script.run({ type: "connected" });
      await script.chunk(2);
      await script.chunk(0);
    },
  },
  droppedChunk("chunk-of-another-magic", (script) => changedChunk(script, 0, () => 0)),
  droppedChunk("chunk-of-another-version", (script) => changedChunk(script, 2, () => 2)),
  droppedChunk("chunk-with-unknown-flags", (script) => changedChunk(script, 3, () => 2)),
  droppedChunk("compressed-chunk", (script) => changedChunk(script, 3, () => 1)),
  droppedChunk("chunk-of-another-image", (script) => changedChunk(script, 4, (byte) => byte ^ 1)),
  droppedChunk("chunk-out-of-range", (script) => changedChunk(script, 12, () => 99)),
  droppedChunk("chunk-of-another-length", (script) => changedChunk(script, 16, () => 1)),
  droppedChunk("chunk-with-reserved-bits", (script) => changedChunk(script, 18, () => 1)),
  droppedChunk("damaged-chunk", (script) => changedChunk(script, 30, (byte) => byte ^ 1)),
  droppedChunk("chunk-cut-short", (script) => script.chunkMessage(1).subarray(0, 19)),
  {
    name: "chunk-without-a-download",
    rule: CHUNK_RULE,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.chunk(1);
    },
  },
  {
    name: "erase-fails",
    rule: "A flash operation that fails three times ends the download.",
    async play(script) {
      await downloading(script);
      for (let count = 0; count < 3; count++) await script.chunk(1, { fail: { "erase-sector": NO_SPACE } });
    },
  },
  {
    name: "program-fails-once",
    rule: "A chunk whose write failed is asked for again.",
    async play(script) {
      await downloading(script);
      await script.chunk(1, { fail: { program: NO_SPACE } });
      await script.chunks();
    },
  },
  {
    name: "image-refused-by-the-device",
    rule: "An image that ESP-IDF's own check refuses is made unbootable.",
    async play(script) {
      await downloading(script);
      await script.chunks({ refusedByDevice: 0x2002 });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "image-for-another-chip",
    rule: "Before the switch the image is verified in flash once more: its descriptor must be the release's.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { chip_id: 5 } });
    },
  },
  {
    name: "image-of-another-secure-version",
    rule: "Before the switch the image is verified in flash once more: its descriptor must be the release's.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { secure_version: 3 } });
    },
  },
  {
    name: "image-of-another-project",
    rule: "The app descriptor's project name must be that of the running image.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { project_name: "other" } });
    },
  },
  {
    name: "waived-project-name",
    rule: "waive gets past a check that a receiver has wrong in the field.",
    async play(script) {
      await downloading(script, offerMessage(script, { waive: ["project-name"] }));
      await script.chunks({ image: { project_name: "other" } });
    },
  },
  {
    name: "flash-unreadable-before-the-switch",
    rule: "An image that can't be read is fetched once more.",
    async play(script) {
      await downloading(script);
      await script.chunks({ fail: { "verify-image": NO_SPACE } });
      await script.chunks({ fail: { "verify-image": NO_SPACE } });
    },
  },
  {
    name: "flash-holds-something-else",
    rule: "All chunks right and the whole image wrong: the slot is cleared and fetched once more, then the download fails.",
    async play(script) {
      await downloading(script);
      const answers = { storedSha256: "ab".repeat(32) };
      await script.chunks(answers);
      await script.chunks(answers);
    },
  },
  {
    name: "boot-partition-not-set",
    rule: "An image that can't be set to boot ends the download.",
    async play(script) {
      await downloading(script);
      await script.chunks({ fail: { "set-boot-partition": NO_SPACE } });
    },
  },
  {
    name: "probation-fails",
    rule: "An image that fails its self-test is rolled back.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.run({ type: "self-test", passed: false });
      await script.boot({ condemned: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "probation-runs-out",
    rule: "An image that does not reach the broker within its probation is rolled back.",
    async play(script) {
      await downloading(script, offerMessage(script, { probation_ms: 30_000 }));
      await script.chunks();
      script.now = 100_000;
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.timer("probation", 130_000);
    },
  },
  {
    name: "probation-without-network",
    rule: "The error of an image that did not reach the broker in time says why, as far as the device knows.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      script.now = 100_000;
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "up" });
      await script.run({ type: "network", status: "down" });
      await script.timer("probation", 160_000);
      await script.boot({ condemned: true });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "probation-refused-by-the-broker",
    rule: "The error of an image that did not reach the broker in time says why, as far as the device knows.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "broker-refused" });
      await script.timer("probation", 60_000);
    },
  },
  {
    name: "probation-is-decided-once",
    rule: "Once the flash is asked to confirm an image or to roll back, nothing changes that before it answers.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "self-test", passed: true });
      await script.feed({ type: "connected" });
      await script.feed({ type: "disconnected" });
      await script.feed({ type: "connected" });
      await script.feed({ type: "timer", timer: "probation" });
      await script.feed({ type: "self-test", passed: false });
      await script.feed({ type: "flash-done", result: { operation: "mark-valid" } });
    },
  },
  {
    name: "offer-while-the-flash-is-busy",
    rule: "One flash operation is under way at a time: the next download waits for the answer, and does not take it for its own.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.feed({
        type: "message",
        topic: script.topics.hashes(script.imageId),
        retained: true,
        payload: { hash_list: true },
      });
      const other = textOf(offerMessage(script, { sequence: 2, id: "ee".repeat(16) }));
      await script.feed({ type: "message", topic: script.topics.offer, retained: true, payload: other });
      await script.feed({
        type: "message",
        topic: script.topics.hashes(script.imageId),
        retained: true,
        payload: { hash_list: true },
      });
      await script.feed({ type: "flash-failed", operation: "read-flash", esp_err: NO_SPACE });
      await script.feed({
        type: "flash-done",
        result: { operation: "read-flash", bytes: { image: [0, 4096] } },
      });
    },
  },
  {
    name: "restart-not-allowed",
    rule: "While the application does not allow a restart, the device stays ready-to-reboot, connected or not.",
    async play(script) {
      await script.boot();
      await script.run({ type: "may-reboot", allowed: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.run({ type: "disconnected" });
      await script.run({ type: "connected" });
      await script.run({ type: "may-reboot", allowed: true });
    },
  },
  {
    name: "restart-not-allowed-through-a-power-cut",
    rule: "After a power cut the device verifies the image again, and waits again if the application says so again.",
    async play(script) {
      await script.boot();
      await script.run({ type: "may-reboot", allowed: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.boot({ cleanReset: false });
      await script.run({ type: "may-reboot", allowed: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.run({ type: "may-reboot", allowed: true });
    },
  },
  {
    name: "withdrawal-while-restart-not-allowed",
    rule: "A newer offer or a withdrawal ends the wait for a restart, as it ends a download.",
    async play(script) {
      await script.boot();
      await script.run({ type: "may-reboot", allowed: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16), release: null }));
      await script.run({ type: "may-reboot", allowed: true });
    },
  },
  {
    name: "no-rollback-possible",
    rule: "An image that can't be rolled back stays, and says so.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.feed({ type: "self-test", passed: false });
      await script.run({ type: "flash-failed", operation: "roll-back", esp_err: 0x1507 });
    },
  },
  {
    name: "power-cut-in-probation",
    rule: "Power that went during the probation gives the image a second start.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.boot({ cleanReset: false, condemned: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.boot({ cleanReset: false, condemned: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "unprotected-boot",
    rule: "An image that boots without PENDING_VERIFY, its attempt neither cleared nor proven, is put on probation by the agent alone.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, cleanReset: false });
      await script.boot({ runsNewImage: true, cleanReset: false });
      await script.boot({ runsNewImage: true, cleanReset: false });
    },
  },
  {
    name: "newer-offer-during-download",
    rule: "A newer offer ends the download of the one before.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16) }));
      await script.hashes();
      await script.chunk(2);
      await script.chunk(0);
    },
  },
  {
    name: "newer-offer-during-probation",
    rule: "During probation a newer offer waits until the image is confirmed or rolled back.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16) }));
      await script.run({ type: "self-test", passed: true });
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16) }));
    },
  },
  {
    name: "withdrawal-during-download",
    rule: "A withdrawal ends the download; the slot is kept.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16), release: null }));
      await script.chunk(2);
    },
  },
  {
    name: "withdrawal-at-rest",
    rule: "A withdrawal leaves the running image.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { release: null }));
    },
  },
  {
    name: "cancel",
    rule: "The application may give up the download; the running image stays.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.run({ type: "cancel" });
      await script.chunk(2);
    },
  },
];

/** Vectors of offers that a device checks before the first erase. */
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
  refusal("waived-constraints", "waive gets past a check that a receiver has wrong in the field.", (script) =>
    offerMessage(script, { constraints: { from_images: [OTHER_IMAGE] }, waive: ["constraints"] }),
  ),
  refusal("critical-unknown", "A device that lacks a critical feature rejects the offer.", (script) =>
    offerMessage(script, { critical: ["telepathy"] }),
  ),
  refusal("critical-known", "critical may name members that the device honors.", (script) =>
    offerMessage(script, { critical: ["target", "constraints", "waive", "expires_at", "spread_ms", "probation_ms"] }),
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
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { issued_at: "2026-03-01T00:00:00.500Z", release: null }));
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
    name: "own-offer",
    rule: "Of a product-wide and an own offer the higher sequence wins.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.message(script.topics.deviceOffer(DEVICE), textOf(offerMessage(script, { sequence: 9 })));
      await script.offer(offerMessage(script, { sequence: 8, id: "ee".repeat(16) }));
    },
  },
];
