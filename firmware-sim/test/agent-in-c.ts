import type { ReceiverOptions } from "@tinybms/ota-core";
import { WasmReceiver } from "@tinybms/ota-device-wasm";
import { afterEach } from "vitest";
import type { AgentImplementation, AgentReceiver } from "../src/agent/agent-receiver.ts";

const created: WasmReceiver[] = [];

// Suites leave their devices running.
afterEach(() => {
  for (const receiver of created.splice(0)) receiver.dispose();
});

/** Stands in for the function of `agent-receiver.ts`: a device that is created without an agent runs the one in C. */
export function createAgentReceiver(kind: AgentImplementation, options: ReceiverOptions): AgentReceiver {
  if (typeof kind === "function") return kind(options);
  const receiver = new WasmReceiver(options);
  created.push(receiver);
  return receiver;
}
