import { Receiver, type ReceiverOptions } from "@tinybms/ota-core";
import { WasmReceiver } from "@tinybms/ota-device-wasm";

/** Implementation of the receiver: `ts` is ota-core's, `c` the device code in C, compiled to WebAssembly. */
export type AgentKind = "c" | "ts";

/** Names of the implementations, as options take them. */
export const AGENT_KINDS: readonly AgentKind[] = ["ts", "c"];

/** A receiver of either implementation. */
export type AgentReceiver = Pick<Receiver, "error" | "handle" | "progress" | "report" | "state" | "stats"> & {
  /** Frees memory that no garbage collector frees. No other method may be called after it. */
  dispose?(): void;
};

/** A receiver's implementation: by name, or a function that creates one. */
export type AgentImplementation = AgentKind | ((options: ReceiverOptions) => AgentReceiver);

/** Creates a receiver. */
export function createAgentReceiver(kind: AgentImplementation, options: ReceiverOptions): AgentReceiver {
  if (typeof kind === "function") return kind(options);
  return kind === "c" ? new WasmReceiver(options) : new Receiver(options);
}
