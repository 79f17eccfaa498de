/** Vectors of the wait before the restart. */

import { offerMessage } from "./vector-documents.ts";
import { accepting, type VectorScenario } from "./vector-scenario.ts";
import type { VectorScript } from "./vector-script.ts";

const NOON = Date.UTC(2026, 2, 1, 12);
const HOUR = 3_600_000;

/** Boots a device that knows the time, and lets it download what an offer says. */
async function downloaded(script: VectorScript, offer: Uint8Array, utc: number | undefined = NOON): Promise<void> {
  await script.boot();
  if (utc !== undefined) await script.run({ type: "clock", utc });
  await script.run({ type: "connected" });
  await script.offer(offer);
  await script.hashes();
  await script.chunks();
}

/** From the verified image to the switch. */
export const RESTART_SCENARIOS: readonly VectorScenario[] = [
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
    name: "restart-spread",
    rule: "A device waits a random time from 0 to restart_spread_ms before it restarts into the image.",
    permille: [250],
    async play(script) {
      await downloaded(script, offerMessage(script, { restart_spread_ms: 20_000 }));
      await script.timer("install", 5_000);
    },
  },
  {
    name: "restart-spread-interrupted",
    rule: "A restart spread that the application's veto interrupted begins again.",
    permille: [500, 250, 100],
    async play(script) {
      await downloaded(script, offerMessage(script, { restart_spread_ms: 20_000 }));
      script.now = 1_000;
      await script.run({ type: "may-reboot", allowed: false });
      await script.timer("install", 10_000);
      script.now = 30_000;
      await script.run({ type: "may-reboot", allowed: true });
      script.now = 31_000;
      await script.run({ type: "may-reboot", allowed: true });
      await script.timer("install", 50_000);
    },
  },
  {
    name: "install-after",
    rule: "A device downloads at once, and restarts when the time of install_after has come.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-01T13:30:00.900Z" }));
      await script.run({ type: "disconnected" });
      await script.timer("install", HOUR);
      await script.timer("install", 1.5 * HOUR - 1);
      await script.timer("install", 1.5 * HOUR);
    },
  },
  {
    name: "install-after-through-a-power-cut",
    rule: "After a power cut the device finds the image whole, fetches nothing, and waits again.",
    async play(script) {
      const offer = offerMessage(script, { install_after: "2026-03-01T12:30:00Z", critical: ["install_after"] });
      await downloaded(script, offer);
      script.now = 1_000;
      await script.boot({ cleanReset: false });
      await script.run({ type: "connected" });
      await script.offer(offer);
      await script.hashes();
      await script.run({ type: "clock", utc: NOON + HOUR / 4 });
      await script.timer("install", 1_000 + HOUR / 4);
    },
  },
  {
    name: "power-cut-damages-a-whole-image",
    rule: "Before a verified image is changed in flash, the record stops to say that it is whole.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-01T12:30:00Z" }));
      script.slot.fill(0, 4096, 8192);
      await accepting(script, offerMessage(script, { install_after: "2026-03-01T12:30:00Z" }));
      await script.hashes();
      await script.boot({ cleanReset: false });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { install_after: "2026-03-01T12:30:00Z" }));
      await script.hashes();
    },
  },
  {
    name: "install-after-without-a-clock",
    rule: "A device that does not know the time waits for it for 60 000 ms, then passes over a time that is not critical.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-02T00:00:00Z" }), undefined);
      await script.timer("install", 59_999);
      await script.timer("install", 60_000);
    },
  },
  {
    name: "critical-time-without-a-clock",
    rule: "A device that does not know the time rejects a critical time to install. It asks for the offer again when it knows.",
    async play(script) {
      const between = { start_minute: 720, minutes: 60 };
      await accepting(script, offerMessage(script, { between, critical: ["between"] }));
      await script.run({ type: "clock", utc: NOON });
      await script.offer(offerMessage(script, { between, critical: ["between"] }));
      await script.run({ type: "clock", utc: NOON });
    },
  },
  {
    name: "critical-name-without-the-member",
    rule: "A critical time to install that the offer does not state needs no clock.",
    async play(script) {
      await accepting(script, offerMessage(script, { critical: ["between", "install_after"] }));
    },
  },
  {
    name: "clock-lost-before-a-critical-time",
    rule: "A device that lost the time waits until it knows it again if the time to install is critical.",
    async play(script) {
      const offer = offerMessage(script, { install_after: "2026-03-01T12:10:00Z", critical: ["install_after"] });
      await downloaded(script, offer);
      script.now = 1_000;
      await script.run({ type: "clock" });
      await script.timer("install", 600_000);
      await script.run({ type: "clock", utc: NOON + 600_000 });
    },
  },
  {
    name: "clock-lost-before-a-time",
    rule: "A device that lost the time passes over a time to install that is not critical, 60 000 ms after the verification.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-01T12:10:00Z" }));
      script.now = 1_000;
      await script.run({ type: "clock" });
      await script.timer("install", 60_000);
    },
  },
  {
    name: "clock-jumps",
    rule: "A clock that is set anew counts at once, in both directions.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-01T12:10:00Z" }));
      await script.run({ type: "clock", utc: NOON - 2 * HOUR });
      await script.timer("install", 600_000);
      await script.run({ type: "clock", utc: NOON + HOUR });
    },
  },
  {
    name: "maintenance-window",
    rule: "A device restarts between start_minute and its end, on the clock of offset_minutes; a window may span midnight.",
    async play(script) {
      const between = { start_minute: 1_430, minutes: 20, offset_minutes: -690 };
      await downloaded(script, offerMessage(script, { between }), NOON - HOUR);
      await script.timer("install", 0.5 * HOUR);
      await script.boot();
      await script.run({ type: "clock", utc: NOON - 0.5 * HOUR + 600_000 });
      await script.run({ type: "connected" });
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16), between }));
      await script.hashes();
    },
  },
  {
    name: "maintenance-window-missed",
    rule: "A restart spread that ends after the window closed begins again in the next window.",
    permille: [900, 100, 500],
    async play(script) {
      const between = { start_minute: 720, minutes: 1 };
      await downloaded(script, offerMessage(script, { between, restart_spread_ms: 100_000 }));
      await script.timer("install", 90_000);
      await script.timer("install", 24 * HOUR);
      await script.timer("install", 24 * HOUR + 50_000);
    },
  },
  {
    name: "maintenance-window-after-a-time",
    rule: "With install_after and between the device waits for the first window after the time.",
    async play(script) {
      const between = { start_minute: 660, minutes: 120 };
      await downloaded(script, offerMessage(script, { between, install_after: "2026-03-01T13:00:00Z" }));
      await script.timer("install", HOUR);
      for (let hours = 2; hours <= 23; hours++) await script.timer("install", hours * HOUR);
    },
  },
  {
    name: "withdrawal-before-the-time",
    rule: "A newer offer or a withdrawal ends the wait for a time to install.",
    async play(script) {
      await downloaded(script, offerMessage(script, { install_after: "2026-03-01T12:10:00Z" }));
      await script.offer(offerMessage(script, { sequence: 2, id: "ee".repeat(16), release: null }));
      await script.timer("install", 600_000);
    },
  },
];
