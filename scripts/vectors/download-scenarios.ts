/** Vectors of the download. */

import { OTHER_IMAGE, offerMessage } from "./vector-documents.ts";
import { accepting, downloading, NO_SPACE, type VectorScenario } from "./vector-scenario.ts";
import { textOf } from "./vector-script.ts";

/** From the offer to the last chunk, and what ends a download before. */
export const DOWNLOAD_SCENARIOS: readonly VectorScenario[] = [
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
      await accepting(script);
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
      await accepting(script);
      for (const at of [2_000, 6_000, 14_000, 30_000, 62_000, 130_000]) await script.timer("request", at);
      await script.hashes();
    },
  },
  {
    name: "hash-list-that-does-not-fit",
    rule: "A hash list of another length or hash is dropped.",
    async play(script) {
      await accepting(script);
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
    name: "cancel",
    rule: "The application may give up the download; the running image stays.",
    async play(script) {
      await downloading(script);
      await script.chunk(1);
      await script.run({ type: "cancel" });
      await script.chunk(2);
    },
  },
  {
    name: "offer-while-the-flash-is-busy",
    rule: "One flash operation is under way at a time: the next download waits for the answer, and does not take it for its own.",
    async play(script) {
      await accepting(script);
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
    name: "offer-while-a-chunk-of-a-former-download-is-written",
    rule: "A device has one buffer for messages: bytes that are being written stay in it when their download ends.",
    async play(script) {
      await downloading(script);
      await script.feed({
        type: "message",
        topic: script.topics.imageChunk(script.imageId),
        retained: false,
        payload: { chunk: 1 },
      });
      await script.feed({ type: "flash-done", result: { operation: "erase-sector" } });
      await script.feed({ type: "cancel" });
      const other = textOf(offerMessage(script, { sequence: 2, id: "ee".repeat(16) }));
      await script.feed({ type: "message", topic: script.topics.offer, retained: true, payload: other });
      await script.feed({ type: "flash-done", result: { operation: "program" } });
      await script.feed({ type: "message", topic: script.topics.offer, retained: true, payload: other });
    },
  },
];
