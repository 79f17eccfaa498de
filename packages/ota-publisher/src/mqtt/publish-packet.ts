/** Versions of MQTT as CONNECT numbers them: 4 is 3.1.1, 5 is 5.0. */
export type MqttVersion = 4 | 5;

/** Fields of a PUBLISH packet without its payload. */
export interface PublishParts {
  readonly topic: string;
  readonly payloadSizeBytes: number;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** 1 to 65 535; not sent at QoS 0. */
  readonly packetId: number;
  readonly version: MqttVersion;
  /** DUP flag, for a repeated packet. @defaultValue `false` */
  readonly isRepeated?: boolean;
}

/**
 * Encodes the headers of a PUBLISH packet without properties (MQTT 3.1.1 and 5.0, section 3.3).
 *
 * @returns Fixed and variable header, to be followed by `payloadSizeBytes` bytes.
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

/** Returns the size of a packet after its fixed header, in bytes (MQTT 3.1.1 section 2.2.3). */
function remainingLength({ topic, payloadSizeBytes, qos, version }: Omit<PublishParts, "packetId">): number {
  const topicSize = 2 + Buffer.byteLength(topic);
  return topicSize + (qos === 0 ? 0 : 2) + (version === 5 ? 1 : 0) + payloadSizeBytes;
}

/** Returns the size of a whole packet in bytes, which Maximum Packet Size limits (MQTT 5.0 section 3.2.2.3.6). */
export function packetSize(parts: Omit<PublishParts, "packetId">): number {
  const remaining = remainingLength(parts);
  return 1 + variableByteIntegerSize(remaining) + remaining;
}

function variableByteIntegerSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

function variableByteInteger(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
