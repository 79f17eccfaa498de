/** A packet of MQTT as it goes over the wire. */
export interface Packet {
  /** Upper half of the first byte (MQTT 3.1.1 section 2.2.1): see {@link PacketType}. */
  readonly type: number;
  readonly bytes: Buffer;
}

/** Types of packets (MQTT 3.1.1 section 2.2.1). */
export const PacketType = { connect: 1, connack: 2, publish: 3, puback: 4, subscribe: 8, disconnect: 14 } as const;

/** Flags in the first byte of PUBLISH (section 3.3.1). */
export const PublishFlag = { retain: 0x01, qos1: 0x02, dup: 0x08 } as const;

/** Flags of CONNECT (section 3.1.2.3). */
export const ConnectFlag = {
  cleanSession: 0x02,
  will: 0x04,
  willQos1: 0x08,
  willRetain: 0x20,
  username: 0x80,
} as const;

/** Splits a stream into packets. */
export class PacketReader {
  #rest = Buffer.alloc(0);

  /** Returns the packets that end in these bytes. */
  read(bytes: Buffer): readonly Packet[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const packets: Packet[] = [];
    for (let size = sizeOf(this.#rest); size !== undefined && size <= this.#rest.length; size = sizeOf(this.#rest)) {
      const packet = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      packets.push({ type: (packet[0] ?? 0) >> 4, bytes: packet });
    }
    return packets;
  }
}

/** Returns the size of the packet that begins here (section 2.2.3); `undefined` until its length is there. */
function sizeOf(bytes: Buffer): number | undefined {
  let length = 0;
  for (let index = 1; index < Math.min(bytes.length, 5); index++) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return 1 + index + length;
  }
  return undefined;
}

/** Returns the offset of what follows the fixed header. */
export function bodyOffset(packet: Buffer): number {
  let offset = 1;
  while ((packet[offset] ?? 0) >= 0x80) offset++;
  return offset + 1;
}

/** Returns the topic and the payload of a PUBLISH packet with QoS 0 or 1. */
export function readPublish(packet: Buffer): { readonly topic: string; readonly id: number; readonly payload: Buffer } {
  const at = bodyOffset(packet);
  const end = at + 2 + packet.readUInt16BE(at);
  const hasId = ((packet[0] ?? 0) & PublishFlag.qos1) !== 0;
  const topic = packet.toString("utf8", at + 2, end);
  return { topic, id: hasId ? packet.readUInt16BE(end) : 0, payload: packet.subarray(end + (hasId ? 2 : 0)) };
}

/** Builds a packet: first byte, remaining length, body. */
export function buildPacket(first: number, ...body: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(body);
  const length: number[] = [];
  for (let left = bytes.length; length.length === 0 || left > 0; left = Math.floor(left / 128)) {
    length.push((left % 128) + (left >= 128 ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.of(first, ...length), bytes]);
}

/** Builds a field with its length before it (section 1.5.3). */
export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

/** Builds a 16-bit number. */
export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
