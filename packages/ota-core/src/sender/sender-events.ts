import type { DeviceState } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";

/** When to do something that no message triggers. */
export type SenderTimer =
  /** When the requests gathered so far are answered. */
  | "gather"
  /** When the pace lets the next chunk go. */
  | "pace"
  /** When to look for devices that have not been heard of. */
  | "silence"
  /** When to ask the broker again for what it was told to retain. */
  | "read-back"
  /** When the broker may be asked again what it retains on the offer topics. */
  | "look-again"
  /** When an offer that was overwritten by an older one is published again. */
  | "reassert"
  /** When the whole delivery has had its time. */
  | "deadline";

/** What can happen to a publisher. `now` is in milliseconds on a clock that never goes back. */
export type SenderEvent =
  | { readonly type: "start"; readonly now: number }
  /** The broker took us: subscriptions have to be made anew. */
  | { readonly type: "connected"; readonly now: number }
  | { readonly type: "disconnected"; readonly now: number }
  /** A message under `T/v1/device/{device}/request`. */
  | { readonly type: "request"; readonly now: number; readonly device: string; readonly payload: Uint8Array }
  /** A message under `T/v1/device/{device}/state`; `retained` says that the broker had kept it. */
  | {
      readonly type: "state";
      readonly now: number;
      readonly device: string;
      readonly payload: Uint8Array;
      readonly retained: boolean;
    }
  /** A message on an offer topic or the hash list's; `retained` says that the broker had kept it. */
  | {
      readonly type: "announcement";
      readonly now: number;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly retained: boolean;
    }
  /** A publish that carried this `id` was acknowledged (QoS 1), or has left the socket (QoS 0). */
  | { readonly type: "drained"; readonly now: number; readonly id: number }
  /** A retained publish that carried this `id` was repeated without effect: the broker does not acknowledge it. */
  | { readonly type: "unacknowledged"; readonly now: number; readonly id: number }
  /** The bytes that a `read-chunk` with this `id` asked for: the whole chunk. */
  | { readonly type: "chunk-read"; readonly now: number; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "timer"; readonly now: number; readonly timer: SenderTimer }
  /** End now: devices keep the offer, and what they have. */
  | { readonly type: "cancel"; readonly now: number };

/** What the machine wants done, in order. */
export type SenderAction =
  | {
      readonly type: "publish";
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly qos: 0 | 1;
      readonly retain: boolean;
      /** Answered by one `drained` with the same id, unless the connection is lost first. */
      readonly id: number;
    }
  /**
   * Read a chunk of the image. Answer it by one `chunk-read` with the same `id`, at once or later. If it can't be read, end
   * the delivery: devices keep asking for this chunk.
   */
  | { readonly type: "read-chunk"; readonly id: number; readonly index: number }
  | { readonly type: "subscribe"; readonly topic: string }
  | { readonly type: "set-timer"; readonly timer: SenderTimer; readonly at: number }
  | { readonly type: "clear-timer"; readonly timer: SenderTimer }
  /** A device's state or progress changed. */
  | { readonly type: "progress"; readonly device: DeviceProgress }
  /** The delivery ended; nothing follows. */
  | { readonly type: "done"; readonly outcome: DeliveryOutcome };

/** What a publisher knows of one device. A claim of the device, never a reason to trust anything. */
export interface DeviceProgress {
  readonly device: string;
  /** `undefined`: named as expected, but not heard of under this offer. */
  readonly state: DeviceState | undefined;
  readonly version: string | undefined;
  readonly slot: string | undefined;
  /** Chunks that stand in the device's slot, and chunks of the image. */
  readonly received: number;
  readonly total: number;
  readonly online: boolean;
  readonly error: StateReport["error"];
  /** From the start of the delivery to its latest report, and to its end, in milliseconds. */
  readonly heardAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Another publisher's offer, as far as it concerns a delivery that is under way. */
export interface CompetingOffer {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly counter: readonly [epoch: number, sequence: number];
  /** Version of its release; `undefined` for a withdrawal. */
  readonly version: string | undefined;
  /** Whether it is for every device of the product. */
  readonly isForAll: boolean;
}

/** How a delivery ended. */
export interface DeliveryOutcome {
  readonly reason:
    | "delivered"
    /** Without waiting for devices: the broker has the offer. */
    | "offered"
    | "device-failed"
    | "no-device"
    | "timeout"
    | "cancelled"
    /** A later offer took the place of this one. */
    | "superseded"
    /** A later offer withdrew this one. */
    | "withdrawn"
    /** Another publisher used the same epoch and sequence: this offer needs a new number. */
    | "number-taken"
    /** The broker does not acknowledge `topics`. */
    | "unacknowledged"
    /** The broker does not give back `topics`. */
    | "not-retained";
  readonly devices: readonly DeviceProgress[];
  readonly stats: SenderStats;
  /** The offer that ended this one. */
  readonly by?: CompetingOffer;
  /** Topics whose messages the broker did not acknowledge or does not give back. */
  readonly topics?: readonly string[];
}

/** What a sender counts, from its start on. */
export interface SenderStats {
  readonly chunksSent: number;
  /** Bytes of chunk messages, headers included. */
  readonly bytesSent: number;
  readonly requests: number;
  /** Requests that were answered together with another. */
  readonly requestsMerged: number;
  /** Messages that were dropped, by reason. */
  readonly dropped: Readonly<Record<"malformed" | "other-image" | "no-credit" | "too-many-devices", number>>;
  /** Chunks sent beyond one image, per chunk of the image. 0: each was sent once. */
  readonly repairRatio: number;
}
