/** Vectors of the wait before the restart. */

import { offerMessage } from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";

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
];
