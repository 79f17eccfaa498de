import type { MqttVersion } from "./publish-packet.ts";

/** Limits that a broker states in CONNACK (MQTT 5.0 section 3.2.2.3). */
export interface AnnouncedLimits {
  readonly version: MqttVersion;
  /** Largest packet in bytes; `undefined` if the broker states none. */
  readonly packetSizeMax: number | undefined;
  readonly qosMax: 0 | 1 | 2;
  readonly canRetain: boolean;
}
