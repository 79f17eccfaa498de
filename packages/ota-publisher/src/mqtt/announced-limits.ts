import type { MqttVersion } from "./publish-packet.ts";

/** What a broker takes, as far as it says so when it takes a connection (MQTT 5.0 section 3.2.2.3). */
export interface AnnouncedLimits {
  readonly version: MqttVersion;
  /** Largest packet in bytes; `undefined`: it names none. */
  readonly packetSizeMax: number | undefined;
  readonly qosMax: 0 | 1 | 2;
  readonly canRetain: boolean;
}
