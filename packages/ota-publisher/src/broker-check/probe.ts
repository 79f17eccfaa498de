import type { Topics } from "@tinybms/ota-core";
import type { ProbeClient } from "./probe-client.ts";

/** The will of a probe's device: what the broker publishes when the connection breaks. */
export interface ProbeWill {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** What a probe has to work with. */
export interface ProbeWorld {
  readonly topics: Topics;
  /** A device that nobody has. */
  readonly device: string;
  /** An image that nobody has: 32 hexadecimal digits. */
  readonly image: string;
  /** Connects as the publisher does. The caller of the probe closes the client. */
  publisher(): Promise<ProbeClient>;
  /** Connects as a device does. The caller of the probe closes the client. */
  deviceClient(will?: ProbeWill): Promise<ProbeClient>;
  /** Limits that the broker names in CONNACK of MQTT 5; `undefined` if it does not speak MQTT 5. */
  limits(): Promise<BrokerLimitsFound | undefined>;
}

/** Limits of a broker (MQTT 5.0 section 3.2.2.3). */
export interface BrokerLimitsFound {
  /** In bytes; `undefined`: it names none. */
  readonly packetSizeMax: number | undefined;
  readonly qosMax: 0 | 1 | 2;
  readonly canRetain: boolean;
}

/** Outcome of one probe. */
export interface ProbeOutcome {
  readonly passed: boolean;
  /** What was seen. */
  readonly found: string;
}

/** One behavior of a broker that the delivery protocol relies on. */
export interface Probe {
  readonly name: string;
  /** What the protocol needs it for. */
  readonly need: string;
  /** Which settings to look at if it fails. */
  readonly advice: string;
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
