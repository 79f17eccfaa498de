/** Vectors of the probation and of the way back. */

import { offerMessage } from "./vector-documents.ts";
import { downloading, type VectorScenario } from "./vector-scenario.ts";

/** From the first start of the image to its confirmation or roll-back. */
export const PROBATION_SCENARIOS: readonly VectorScenario[] = [
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
      for (let at = 60_000; at <= 900_000; at += 60_000) await script.timer("probation", at);
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
    name: "self-test-unanswered",
    rule: "An image that reached the broker and whose self-test has no result within probation_ms is rolled back.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "up" });
      await script.run({ type: "connected" });
      await script.timer("probation", 60_000);
    },
  },
  {
    name: "probation-extended",
    rule: "A probation goes on, up to 900 000 ms, while the image has network and does not reach the broker.",
    async play(script) {
      await downloading(script, offerMessage(script, { probation_ms: 400_000 }));
      await script.chunks();
      script.now = 1_000;
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "broker-refused" });
      await script.timer("probation", 401_000);
      await script.run({ type: "network", status: "up" });
      await script.timer("probation", 801_000);
      await script.timer("probation", 901_000);
    },
  },
  {
    name: "probation-extended-as-the-offer-says",
    rule: "A probation is extended up to probation_max_ms, which is read from the attempt.",
    async play(script) {
      await downloading(script, offerMessage(script, { probation_ms: 30_000, probation_max_ms: 45_000 }));
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "broker-refused" });
      await script.timer("probation", 30_000);
      await script.timer("probation", 45_000);
    },
  },
  {
    name: "probation-not-extended",
    rule: "A probation_max_ms below probation_ms changes nothing.",
    async play(script) {
      await downloading(script, offerMessage(script, { probation_ms: 30_000, probation_max_ms: 1_000 }));
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "up" });
      await script.timer("probation", 30_000);
    },
  },
  {
    name: "probation-extended-until-the-network-is-down",
    rule: "An extended probation ends at its next timer if the network is down.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "up" });
      await script.timer("probation", 60_000);
      await script.run({ type: "network", status: "down" });
      await script.timer("probation", 120_000);
    },
  },
  {
    name: "probation-extended-and-confirmed",
    rule: "An image that reaches the broker in an extended probation has probation_ms from then for its self-test.",
    async play(script) {
      await downloading(script);
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "broker-refused" });
      await script.timer("probation", 60_000);
      script.now = 119_000;
      await script.run({ type: "connected" });
      script.now = 121_000;
      await script.run({ type: "self-test", passed: true });
    },
  },
  {
    name: "probation-extended-and-overtaken",
    rule: "A probation whose latest time has passed when the broker accepts is over: no timer is set to a time before its event.",
    async play(script) {
      await downloading(script, offerMessage(script, { probation_ms: 30_000, probation_max_ms: 45_000 }));
      await script.chunks();
      await script.boot({ runsNewImage: true, pendingVerify: true });
      await script.run({ type: "network", status: "up" });
      await script.timer("probation", 30_000);
      script.now = 46_000;
      await script.run({ type: "connected" });
      await script.timer("probation", 46_000);
    },
  },
];
