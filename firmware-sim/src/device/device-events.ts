import type { DeviceState, StateReport } from "@tinybms/ota-core";
import type { AgentAction, AgentEvent } from "../agent/agent.ts";
import type { ResetReason } from "../boot/boot-event.ts";

/** What reaches the device from outside. */
export type DeviceEvent = AgentEvent;

/** What the device does to the world, in order. */
export type DeviceAction =
  | Exclude<AgentAction, { readonly type: "reboot" }>
  /** It resets: its connection ends and timers are gone. Once what was published has left, if `flush`; then `boot`. */
  | { readonly type: "reset"; readonly flush: boolean }
  /** Power went: the connection breaks off. `boot` it after so many milliseconds. */
  | { readonly type: "power-lost"; readonly powerOnAfterMs: number }
  /** For whoever watches. */
  | { readonly type: "log"; readonly entry: DeviceLogEntry };

/** Something that happened to a device. */
export type DeviceLogEntry = { readonly now: number; readonly device: string } & (
  | {
      readonly type: "booted";
      readonly version: string;
      readonly slot: string;
      readonly bootCount: number;
      /** The bootloader gave up an image that was not confirmed before this reset. */
      readonly rolledBack: boolean;
    }
  | { readonly type: "reset-loop"; readonly reason: ResetReason }
  /** It was provisioned, and can no longer read what it was told. */
  | { readonly type: "unprovisioned"; readonly message: string }
  | { readonly type: "state"; readonly state: DeviceState; readonly error?: StateReport["error"] }
  | { readonly type: "power-cut"; readonly message: string }
  | { readonly type: "panic"; readonly message: string }
);

/** What a device is doing, as seen on its console. */
export type DeviceStatus = "off" | "running" | "reset-loop" | "unprovisioned";

/** What the device fetched and threw away, over all its boots. */
export interface DeviceTotals {
  readonly chunksReceived: number;
  /** Chunks written. Those above the image's count were fetched twice. */
  readonly chunksUseful: number;
  readonly requests: number;
}
