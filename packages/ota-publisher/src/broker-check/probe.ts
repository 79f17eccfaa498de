import type { Topics } from "@tinybms/ota-core";
import type { ProbeClient } from "./probe-client.ts";

/** Will of a probe's device, which the broker publishes when the connection breaks. */
export interface ProbeWill {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Names and connections for a probe. */
export interface ProbeWorld {
  readonly topics: Topics;
  /** Name of a made-up device. */
  readonly device: string;
  /** Name of a made-up image: 32 hexadecimal digits. */
  readonly image: string;
  /** Connects as the publisher does. The caller of the probe closes the client. */
  publisher(): Promise<ProbeClient>;
  /** Connects as a device does. The caller of the probe closes the client. */
  deviceClient(will?: ProbeWill): Promise<ProbeClient>;
  /** Returns the limits in the broker's CONNACK; `undefined` if it does not support MQTT 5. */
  limits(): Promise<BrokerLimitsFound | undefined>;
}

/** Limits of a broker (MQTT 5.0 section 3.2.2.3). */
export interface BrokerLimitsFound {
  /** Maximum packet size in bytes; `undefined` if the broker states none. */
  readonly packetSizeMax: number | undefined;
  readonly qosMax: 0 | 1 | 2;
  readonly canRetain: boolean;
}

/** Outcome of one probe. */
export interface ProbeOutcome {
  readonly passed: boolean;
  /** Observation, as text. */
  readonly found: string;
  /** Replaces the advice of the probe. */
  readonly advice?: string;
}

/** One behavior of a broker that the delivery protocol relies on. */
export interface Probe {
  readonly name: string;
  /** Why the protocol needs the behavior. */
  readonly need: string;
  /**
   * What to set if the probe fails: settings after `Mosquitto:`, and rules of access control, which begin with `let`. Topics
   * below the topic root begin with `T/`.
   */
  readonly advice: string;
  /** Name of an earlier probe. If that one failed, this one would fail for the same reason, and is not run. */
  readonly after?: string;
  run(world: ProbeWorld): Promise<ProbeOutcome>;
}

/** Reports that a probe passed. */
export function passed(found: string): ProbeOutcome {
  return { passed: true, found };
}

/** Reports that a probe failed. */
export function failed(found: string, ...clients: readonly ProbeClient[]): ProbeOutcome {
  const isClosed = clients.some((client) => client.isClosed);
  return { passed: false, found: isClosed ? `${found}; the broker closed the connection` : found };
}
