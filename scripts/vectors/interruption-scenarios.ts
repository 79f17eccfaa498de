/** Vectors of what comes between: lost connections, resets, other offers and failures at each point of an update. */
import type { VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { rawEnvelope, rawObject, reconnect, WITHDRAWAL } from "./raw-documents.ts";
import { OTHER_IMAGE, offerMessage, releaseOf } from "./vector-documents.ts";
import { accepting, downloading, NO_SPACE, type VectorScenario } from "./vector-scenario.ts";
import { OLD_SHA256, textOf, type VectorScript } from "./vector-script.ts";

const other = { sequence: 2, id: "ee".repeat(16) };

const done = (operation: string, found: VectorObject = {}): { type: string } & VectorObject => ({
  type: "flash-done",
  result: { operation, ...found },
});

const failed = (operation: string, espErr: number = NO_SPACE): { type: string } & VectorObject => ({
  type: "flash-failed",
  operation,
  esp_err: espErr,
});

/** Delivers a chunk, and leaves its flash operation open. */
function deliver(script: VectorScript, chunk: number): Promise<unknown> {
  const topic = script.topics.imageChunk(script.imageId);
  return script.feed({ type: "message", topic, retained: false, payload: { chunk } });
}

function deliverOffer(script: VectorScript, envelope: Uint8Array): Promise<unknown> {
  return script.feed({ type: "message", topic: script.topics.offer, retained: true, payload: textOf(envelope) });
}

/** Downloads an image whose last chunk is written, and leaves the check of the image open. */
async function verifying(script: VectorScript): Promise<void> {
  await downloading(script);
  await script.chunk(1);
  await script.chunk(2);
  await deliver(script, 0);
  await script.feed(done("erase-sector"));
  await script.feed(done("program"));
}

/** What `verify-image` finds in a good image. */
function goodImage(script: VectorScript): VectorObject {
  const image = { sha256: script.imageSha256, chip_id: 0, secure_version: 0, project_name: "bench" };
  return { stored_sha256: script.imageSha256, image };
}

/** Downloads an image, and leaves the switch of the boot partition open. */
async function switching(script: VectorScript): Promise<void> {
  await verifying(script);
  await script.feed(done("verify-image", goodImage(script)));
}

/** Vectors of interrupted updates. */
export const INTERRUPTION_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "withdrawal-delivered-again",
    rule: "The accepted offer, delivered again, changes nothing: what it came to stands, and nothing is written.",
    async play(script) {
      await accepting(script, Buffer.from(rawEnvelope(rawObject(WITHDRAWAL))));
      await reconnect(script);
      await script.offer(Buffer.from(rawEnvelope(rawObject(WITHDRAWAL))));
      await script.boot();
      await script.run({ type: "connected" });
      for (let times = 0; times < 2; times++) await script.offer(Buffer.from(rawEnvelope(rawObject(WITHDRAWAL))));
    },
  },
  {
    name: "offer-delivered-again",
    rule: "The accepted offer, delivered again, changes nothing: what it came to stands, and nothing is written.",
    async play(script) {
      await downloading(script);
      await script.offer(offerMessage(script));
      await script.chunk(1);
      await script.offer(offerMessage(script));
      await script.chunk(2);
      await script.chunk(0);
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.run({ type: "self-test", passed: true });
      await script.offer(offerMessage(script));
      await script.boot();
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "offer-while-a-chunk-is-written",
    rule: "Envelopes and chunks that come while a chunk is being written are dropped as busy.",
    size: 20_000,
    async play(script) {
      await downloading(script);
      await deliver(script, 1);
      await deliver(script, 2);
      await deliverOffer(script, offerMessage(script, other));
      await script.feed(done("erase-sector"));
      await deliverOffer(script, offerMessage(script, other));
      await script.feed({ type: "cancel" });
      await deliverOffer(script, offerMessage(script, other));
      await script.feed(done("program"));
      await deliverOffer(script, offerMessage(script, other));
      await script.timer("verify", 61_000);
    },
  },
  {
    name: "events-out-of-season",
    rule: "An event that does not belong to what the device does changes nothing.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const all = ["request", "probation", "report", "verify"] as const;
      for (const timer of all) await script.timer(timer, script.now + 10);
      await script.run({ type: "self-test", passed: true });
      await script.run({ type: "cancel" });
      await script.run({ type: "may-reboot", allowed: true });
      await script.run({ type: "network", status: "up" });
      await script.run({ type: "verified", valid: true });
      await accepting(script);
      await script.chunk(1);
      await script.hashes();
      await script.run({ type: "may-reboot", allowed: true });
      for (const timer of all) await script.timer(timer, script.now + 10);
      await script.run({ type: "self-test", passed: true });
      await script.run({ type: "clock", utc: 253_402_300_800_000 });
      await script.run({ type: "clock", utc: 253_402_300_799_999 });
    },
  },
  {
    name: "connection-lost-while-a-chunk-is-written",
    rule: "A lost connection changes nothing else: flash work goes on.",
    window: 1,
    async play(script) {
      await downloading(script);
      await deliver(script, 1);
      await script.feed({ type: "disconnected" });
      await script.feed(done("erase-sector"));
      await script.feed(done("program"));
      await script.timer("request", 5_000);
      await script.run({ type: "cancel" });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "connection-lost-while-checking",
    rule: "A lost connection changes nothing else: flash work goes on.",
    async play(script) {
      await accepting(script);
      await script.feed({ type: "disconnected" });
      await script.timer("request", 2_000);
      await script.run({ type: "connected" });
      await script.feed({
        type: "message",
        topic: script.topics.hashes(script.imageId),
        retained: true,
        payload: { hash_list: true },
      });
      await script.feed({ type: "disconnected" });
      await script.feed(done("read-flash", { bytes: { fill: 255, length: 4096 } }));
      await script.feed(done("read-flash", { bytes: { fill: 255, length: 4096 } }));
      await script.feed(done("read-flash", { bytes: { fill: 255, length: 808 } }));
      await script.feed(done("erase-sector"));
      await script.run({ type: "connected" });
    },
  },
  {
    name: "progress-each-second",
    rule: "At most one progress report a second.",
    size: 30_000,
    async play(script) {
      await downloading(script);
      for (let index = 1; index < 7; index++) {
        script.now += index < 3 ? 1_500 : 400;
        await script.chunk(index);
      }
      await script.timer("report", script.now + 1_000);
      await script.run({ type: "disconnected" });
      await script.timer("report", script.now + 1_000);
    },
  },
  {
    name: "requests-that-bring-nothing",
    rule: "retry is 1 500, doubles with each request that brought nothing useful, up to 60 000.",
    async play(script) {
      await downloading(script);
      for (let times = 0; times < 12; times++) await script.timer("request", script.now + 90_000);
    },
  },
  {
    name: "flash-that-fails-while-checking",
    rule: "The third flash operation that fails ends the offer as failed with delivery/flash-failed.",
    async play(script) {
      await accepting(script);
      await script.message(
        script.topics.hashes(script.imageId),
        { hash_list: true },
        { answers: { fail: { "read-flash": NO_SPACE, "erase-sector": -1 } } },
      );
      await reconnect(script);
    },
  },
  {
    name: "otadata-that-can-not-be-invalidated",
    rule: "If the otadata entry of the slot says that its image failed, it is invalidated next.",
    async play(script) {
      await script.boot({ condemned: true });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.message(
        script.topics.hashes(script.imageId),
        { hash_list: true },
        { answers: { fail: { "invalidate-otadata": 0x105 } } },
      );
      await script.chunks();
    },
  },
  {
    name: "chunk-damaged-in-flash",
    rule: "If the first hash is wrong although each chunk was right, the device compares the slot once more, and fetches what is wrong.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      script.slot[5_000] = (script.slot[5_000] ?? 0) ^ 1;
      await script.chunk(2);
      await script.chunk(0);
      await script.chunk(1);
      await script.chunk(0);
    },
  },
  {
    name: "image-that-ends-elsewhere",
    rule: "Both hashes must be image.sha256.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { sha256: OLD_SHA256 } });
    },
  },
  {
    name: "image-that-can-not-be-erased",
    rule: "An image that must not run is made unbootable first: sector 0 is erased.",
    async play(script) {
      await verifying(script);
      await script.feed(done("verify-image", { stored_sha256: script.imageSha256, image: { esp_err: 0x2002 } }));
      await script.feed(failed("erase-sector"));
      await reconnect(script);
    },
  },
  {
    name: "first-chunk-is-there",
    rule: "After a reset that was not clean, the matching chunks on each side of a gap are fetched again.",
    size: 30_000,
    async play(script) {
      for (const index of [0, 1, 2, 5])
        script.slot.set(script.image.subarray(index * 4096, index * 4096 + 4096), index * 4096);
      await script.boot({ cleanReset: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script));
      await script.hashes();
    },
  },
  {
    name: "offer-of-another-image",
    rule: "It ends a running download of another offer in any state up to the switch, verifying too.",
    async play(script) {
      await verifying(script);
      const release = releaseOf(script, {}, { sha256: `${OTHER_IMAGE}${"0".repeat(32)}` });
      await deliverOffer(script, offerMessage(script, { ...other, release }));
      await script.feed(done("verify-image", goodImage(script)));
      const running = releaseOf(script, {}, { sha256: OLD_SHA256 });
      await script.offer(offerMessage(script, { sequence: 3, id: "dd".repeat(16), release: running }));
    },
  },
  {
    name: "running-image-offered-during-a-download",
    rule: "If it runs the image already, it is confirmed.",
    async play(script) {
      await downloading(script);
      const running = releaseOf(script, {}, { sha256: OLD_SHA256, size: 100_000_000 });
      await script.offer(offerMessage(script, { ...other, release: running }));
      await reconnect(script);
    },
  },
  {
    name: "offer-during-the-switch",
    rule: "On probation, with a switch under way, or while a failed image is made unbootable, the offer waits.",
    async play(script) {
      await switching(script);
      await deliverOffer(script, offerMessage(script, other));
      await script.feed(failed("set-boot-partition"));
      await script.offer(offerMessage(script, other));
    },
  },
  {
    name: "offer-while-an-image-is-made-unbootable",
    rule: "On probation, with a switch under way, or while a failed image is made unbootable, the offer waits.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.feed({ type: "self-test", passed: false });
      await script.boot({ condemned: true }, { hold: true });
      await script.feed({ type: "connected" });
      await deliverOffer(script, offerMessage(script, other));
      await script.feed(failed("erase-sector"));
      await deliverOffer(script, offerMessage(script, other));
    },
  },
  {
    name: "offers-that-do-not-fit",
    rule: "If a check fails, the offer is rejected; the accepted offer goes on.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const wrong = (sequence: number): Uint8Array =>
        offerMessage(script, {
          sequence,
          id: String(sequence).repeat(16),
          release: releaseOf(script, { product: "Other" }),
        });
      for (let sequence = 11; sequence < 23; sequence++) await script.offer(wrong(sequence));
      await script.offer(wrong(22));
      script.now += 60_000;
      await script.offer(wrong(30));
      await script.offer(wrong(30));
      await script.offer(offerMessage(script, { sequence: 31 }));
      await script.offer(wrong(40));
    },
  },
  {
    name: "restart-allowed-again-after-a-withdrawal",
    rule: "A newer offer, a withdrawal or a key set's step ends it, as they end a download.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.run({ type: "may-reboot", allowed: false });
      await script.offer(offerMessage(script));
      await script.hashes();
      await script.chunks();
      await script.run({ type: "cancel" });
      await script.run({ type: "may-reboot", allowed: true });
    },
  },
  {
    name: "names-with-escapes",
    rule: "A report has at most 1 024 bytes; it leaves out its counters rather than exceed them.",
    async play(script) {
      await script.boot({ version: `"\\\b\f\n\r\t\u0001${"é".repeat(8)}` });
      await script.run({ type: "connected" });
      await script.boot({ version: "\u0001".repeat(64) });
      await script.run({ type: "connected" });
    },
  },
  {
    name: "times-without-a-key-set",
    rule: "The device's time is the later of clock and floor, compared to the second.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const clocks = [
        "1970-01-01T00:00:00Z",
        "2000-02-29T12:00:00Z",
        "2023-03-01T00:00:00Z",
        "2024-02-29T23:59:59Z",
        "2024-12-31T23:59:59Z",
        "2100-03-01T00:00:00Z",
        "2400-02-29T00:00:00Z",
      ];
      let sequence = 0;
      for (const clock of clocks) {
        await script.run({ type: "clock", utc: Date.parse(clock) });
        for (const seconds of [-1, 0, 1]) {
          sequence++;
          const at = new Date(Date.parse(clock) + seconds * 1000)
            .toISOString()
            .replace(".000", seconds === 0 ? ".999" : "");
          const id = String(sequence).padStart(2, "0").repeat(16);
          await script.offer(
            offerMessage(script, { sequence, id, expires_at: at, release: releaseOf(script, { product: "Other" }) }),
          );
          script.now += 10_000;
          await script.run({ type: "clock", utc: Date.parse(clock) });
        }
      }
    },
  },
];
