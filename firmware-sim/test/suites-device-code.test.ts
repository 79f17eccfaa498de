// Runs suites that drive whole devices again, with the receiver in C.
import { describe, vi } from "vitest";

vi.mock(import("../src/agent/agent-receiver.ts"), async (importOriginal) => ({
  ...(await importOriginal()),
  createAgentReceiver: (await import("./agent-in-c.ts")).createAgentReceiver,
}));

describe.each([
  ["worlds", () => import("./world.test.ts")],
  ["networks", () => import("./world-network.test.ts")],
  ["MQTT", () => import("./mqtt-device.test.ts")],
  ["active slots", () => import("./active-slot.test.ts")],
  ["historical offers", () => import("./historical-offers.test.ts")],
  ["model", () => import("./model/offers.test.ts")],
  ["rollouts", () => import("./rollout-in-world.test.ts")],
  ["provisioned", () => import("./run-provisioned.test.ts")],
] as const)("%s", async (_, load) => {
  await load();
});
