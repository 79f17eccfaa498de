import type { ReportedError } from "../messages/reported-error.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { imageIdOf } from "../messages/topics.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { ReceiverEvent } from "./receiver-events.ts";

/** Everything that a state report says, as the receiver holds it. */
export interface ReportState {
  readonly device: string;
  readonly state: DeviceState;
  /** Id of the offer that the report is about. */
  readonly offer: string | undefined;
  /** SHA-256 of that offer's image, 64 hexadecimal digits. */
  readonly image: string | undefined;
  readonly error: ReportedError | undefined;
  /** Highest (epoch, sequence) that the device accepted. */
  readonly accepted: readonly [epoch: number, sequence: number];
  /** Epoch of the trusted key set. */
  readonly keySet: number | undefined;
  /** The device knows the time. */
  readonly hasClock: boolean;
  /** `undefined` before the first event. */
  readonly boot: Extract<ReceiverEvent, { type: "booted" }> | undefined;
  /** The running download; `undefined` without one. */
  readonly download:
    | { readonly received: number; readonly total: number; readonly requests: number; readonly isStalled: boolean }
    | undefined;
  readonly counters: {
    readonly chunksReceived: number;
    readonly chunksUseful: number;
    /** Requests of downloads that have ended. */
    readonly requests: number;
    readonly refused: StateReport["refused"];
  };
}

/**
 * Returns the state report of a device.
 *
 * @param online - `false` for the connection's will.
 */
export function reportOf(state: ReportState, online: boolean): StateReport {
  const { boot, download, error, keySet, counters } = state;
  const { refused, chunksReceived, chunksUseful } = counters;
  return {
    protocol: 1,
    device: state.device,
    state: state.state,
    ...(state.offer === undefined ? {} : { offer: state.offer }),
    ...(state.image === undefined ? {} : { image: imageIdOf(state.image) }),
    version: boot?.running.version ?? "",
    slot: boot?.running.slot ?? "",
    running_sha256: boot?.running.sha256 ?? "0".repeat(64),
    received: download?.received ?? 0,
    total: download?.total ?? 0,
    accepted: [state.accepted[0], state.accepted[1]],
    ...(keySet === undefined ? {} : { key_set: keySet }),
    ...(refused === undefined ? {} : { refused }),
    rollback: boot?.rollback ?? false,
    clock: state.hasClock,
    online,
    boot_count: boot?.bootCount ?? 0,
    ...(download?.isStalled ? { stalled: true } : {}),
    ...(error === undefined ? {} : { error }),
    stats: {
      chunks_received: chunksReceived,
      chunks_useful: chunksUseful,
      requests: counters.requests + (download?.requests ?? 0),
    },
  };
}
