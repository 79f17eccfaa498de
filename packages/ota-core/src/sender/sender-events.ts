import type { DeviceState } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { DeliveryLimit } from "./limit-clock.ts";

/** Timers of a sender. */
export type SenderTimer =
  /** Answers the requests gathered so far. */
  | "gather"
  /** The pace allows the next chunk. */
  | "pace"
  /** Looks for silent devices. */
  | "silence"
  /** Asks the broker again for what it was told to retain. */
  | "read-back"
  /** The broker may be asked again for what it retains on the offer topics. */
  | "look-again"
  /** Publishes an offer again that an older one replaced. */
  | "reassert"
  /** The time limit of the delivery. */
  | "deadline";

/** Event of a sender. `now` is in milliseconds on a clock that never goes back. */
export type SenderEvent =
  | { readonly type: "start"; readonly now: number }
  /** The broker accepted the connection. Subscriptions must be made again. */
  | { readonly type: "connected"; readonly now: number }
  | { readonly type: "disconnected"; readonly now: number }
  /** A message under `T/v1/device/{device}/request`. */
  | { readonly type: "request"; readonly now: number; readonly device: string; readonly payload: Uint8Array }
  /** A message under `T/v1/device/{device}/state`. `retained` is its RETAIN flag. */
  | {
      readonly type: "state";
      readonly now: number;
      readonly device: string;
      readonly payload: Uint8Array;
      readonly retained: boolean;
    }
  /** A message on an offer topic or that of the hash list. `retained` is its RETAIN flag. */
  | {
      readonly type: "announcement";
      readonly now: number;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly retained: boolean;
    }
  /** A chunk on the image's topic or a device's. Only a sender that joined an offer subscribes to them. */
  | {
      readonly type: "chunk";
      readonly now: number;
      readonly payload: Uint8Array;
      /** `false` on a device's topic. */
      readonly isForAll: boolean;
    }
  /** The publish with this `id` was acknowledged (QoS 1) or has left the socket (QoS 0). */
  | { readonly type: "drained"; readonly now: number; readonly id: number }
  /** The retained publish with this `id` was repeated, and the broker does not acknowledge it. */
  | { readonly type: "unacknowledged"; readonly now: number; readonly id: number }
  /** The whole chunk that the `read-chunk` with this `id` asked for. */
  | { readonly type: "chunk-read"; readonly now: number; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "timer"; readonly now: number; readonly timer: SenderTimer }
  /** Ends the delivery. Devices keep the offer and what they have. */
  | { readonly type: "cancel"; readonly now: number };

/** Action of a sender. Carry actions out in order. */
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
  /** The broker keeps the offer. Only of a delivery that waits to be cancelled; again after each new connection. */
  | { readonly type: "offered" }
  /** State or progress of a device changed. */
  | { readonly type: "progress"; readonly device: DeviceProgress }
  /** The delivery ended; nothing follows. */
  | { readonly type: "done"; readonly outcome: DeliveryOutcome };

/** What a publisher knows of one device. A claim of the device: base no trust on it. */
export interface DeviceProgress {
  readonly device: string;
  /** `undefined` if the device is expected by name and has not reported under this offer. */
  readonly state: DeviceState | undefined;
  readonly version: string | undefined;
  readonly slot: string | undefined;
  /** SHA-256 of the image that it runs; absent if it has not reported one. */
  readonly runningSha256?: string | undefined;
  /** Number of chunks in the device's slot. */
  readonly received: number;
  readonly total: number;
  readonly online: boolean;
  /** It sent more requests or reports than its budget allows, and some were dropped. */
  readonly isNoisy?: boolean;
  readonly error: StateReport["error"];
  /** From the start of the delivery to its latest report, and to its end, in milliseconds. */
  readonly heardAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Offer of another publisher. */
export interface CompetingOffer {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly counter: readonly [epoch: number, sequence: number];
  /** Version of its release; `undefined` for a withdrawal. */
  readonly version: string | undefined;
  /** `true` if it is for every device of the product. */
  readonly isForAll: boolean;
}

/** How a delivery ended. */
export interface DeliveryOutcome {
  readonly reason:
    | "delivered"
    /** The broker has the offer, and the delivery does not wait for devices. */
    | "offered"
    | "device-failed"
    | "no-device"
    | "timeout"
    | "cancelled"
    /** A later offer replaced this one. */
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

/** Counters of a sender since its start. */
export interface SenderStats {
  readonly chunksSent: number;
  /** Size of all chunk messages, headers included, in bytes. */
  readonly bytesSent: number;
  readonly requests: number;
  /** Number of requests that were answered together with another. */
  readonly requestsMerged: number;
  /** Number of dropped messages, by reason. */
  readonly dropped: Readonly<Record<"malformed" | "other-image" | "no-credit" | "too-many-devices" | "noisy", number>>;
  /** Time for which the pace, the broker or the devices kept the next chunk from leaving, in milliseconds. */
  readonly limitedMs: Readonly<Record<DeliveryLimit, number>>;
  /** Chunks sent beyond one image, per chunk of the image. 0 if each was sent once. */
  readonly repairRatio: number;
}
