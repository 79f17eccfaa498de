import type { DeviceState, StateReport } from "@tinybms/ota-core";
import type { AgentAction, AgentEvent } from "../agent/agent.ts";
import type { ResetReason } from "../boot/boot-event.ts";

/** An event for a device. */
export type DeviceEvent = AgentEvent;

/** An action that a device requests, in order. */
export type DeviceAction =
  | Exclude<AgentAction, { readonly type: "reboot" }>
  /**
   * The device resets: its connection ends and its timers are cleared. If `flush`, published messages are sent first. Call
   * `boot` afterwards.
   */
  | { readonly type: "reset"; readonly flush: boolean }
  /** The power failed: the connection breaks off. Call `boot` after this many milliseconds. */
  | { readonly type: "power-lost"; readonly powerOnAfterMs: number }
  /** An entry for the log. */
  | { readonly type: "log"; readonly entry: DeviceLogEntry };

/** An event in the life of a device, for logs. */
export type DeviceLogEntry = { readonly now: number; readonly device: string } & (
  | {
      readonly type: "booted";
      readonly version: string;
      readonly slot: string;
      readonly bootCount: number;
      /** Whether the bootloader rolled back an image that was not confirmed before this reset. */
      readonly rolledBack: boolean;
    }
  | { readonly type: "reset-loop"; readonly reason: ResetReason }
  /** The device was provisioned, but can no longer read its provisioning data. */
  | { readonly type: "unprovisioned"; readonly message: string }
  | { readonly type: "state"; readonly state: DeviceState; readonly error?: StateReport["error"] }
  | { readonly type: "power-cut"; readonly message: string }
  | { readonly type: "panic"; readonly message: string }
);

/** Status of a device, as its console shows it. */
export type DeviceStatus = "off" | "running" | "reset-loop" | "unprovisioned";

/** Counts of what the device fetched, over all its boots. */
export interface DeviceTotals {
  readonly chunksReceived: number;
  /** Chunks written. More than the image has means that some were fetched twice. */
  readonly chunksUseful: number;
  readonly requests: number;
}
