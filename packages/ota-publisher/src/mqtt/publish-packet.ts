/** Versions of MQTT as CONNECT numbers them: 4 is 3.1.1, 5 is 5.0. */
export type MqttVersion = 4 | 5;

/** A message whose payload is not in memory. */
export interface PublishParts {
  readonly topic: string;
  readonly payloadSizeBytes: number;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** 1 to 65 535; left out of the packet at QoS 0. */
  readonly packetId: number;
  readonly version: MqttVersion;
  /** Whether it is sent again: the DUP flag. @defaultValue `false` */
  readonly isRepeated?: boolean;
}

/**
 * What of a PUBLISH packet stands before its payload (MQTT 3.1.1 and 5.0, section 3.3; no properties).
 *
 * @returns Fixed and variable header. The packet is whole with `payloadSizeBytes` bytes after them.
 */
export function buildPublishHeader(parts: PublishParts): Uint8Array {
  const { topic, qos, retain, packetId, version, isRepeated = false } = parts;
  const name = new TextEncoder().encode(topic);
  return Uint8Array.from([
    0x30 | (isRepeated ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    ...variableByteInteger(remainingLength(parts)),
    name.length >> 8,
    name.length & 0xff,
    ...name,
    ...(qos === 0 ? [] : [packetId >> 8, packetId & 0xff]),
    ...(version === 5 ? [0] : []),
  ]);
}

/** Bytes of a packet after its fixed header (MQTT 3.1.1 section 2.2.3). */
function remainingLength({ topic, payloadSizeBytes, qos, version }: Omit<PublishParts, "packetId">): number {
  const topicSize = 2 + new TextEncoder().encode(topic).length;
  return topicSize + (qos === 0 ? 0 : 2) + (version === 5 ? 1 : 0) + payloadSizeBytes;
}

/** Bytes of a whole packet: what a broker's Maximum Packet Size bounds (MQTT 5.0 section 3.2.2.3.6). */
export function packetSize(parts: Omit<PublishParts, "packetId">): number {
  const remaining = remainingLength(parts);
  return 1 + variableByteInteger(remaining).length + remaining;
}

function variableByteInteger(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
