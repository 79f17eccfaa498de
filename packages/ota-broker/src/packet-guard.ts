import { decodeUtf8, TOPIC_SIZE_MAX } from "@tinybms/ota-core";

/** Limits of a {@link PacketGuard}. All sizes are in bytes. */
export interface PacketLimits {
  /** Packet that a connection must begin with: `connect` from a client, `connack` from a server. */
  readonly first: "connect" | "connack";
  /** Maximum size of CONNECT without its fixed header. */
  readonly connectSizeMax: number;
  /** Maximum size of any packet other than CONNECT and PUBLISH, without its fixed header. */
  readonly packetSizeMax: number;
  /**
   * Returns the maximum payload of a PUBLISH.
   *
   * @param topic - `undefined` for a topic that is empty, longer than {@link TOPIC_SIZE_MAX} bytes, or not UTF-8.
   */
  readonly messageSizeMax: (topic: string | undefined) => number;
}

/** Reason to end a connection. */
export interface PacketRefusal {
  /**
   * - `too-large`: the announced size exceeds the limit.
   * - `length`: the remaining length has more than four bytes.
   * - `topic`: the packet ends before its topic does.
   * - `first-packet`: the connection begins with another packet.
   */
  readonly reason: "too-large" | "length" | "topic" | "first-packet";
  /** MQTT name of the packet, for example `PUBLISH`. */
  readonly packet: string;
  /** Topic of a PUBLISH, as far as it was read. */
  readonly topic: string | undefined;
  /** Announced number of bytes after the fixed header; 0 if it is unknown. */
  readonly sizeBytes: number;
  /** Limit for that number; 0 for any reason other than `too-large`. */
  readonly limitBytes: number;
  /** Offset of the packet since the start of the connection, in bytes. */
  readonly offset: number;
}

/**
 * Allowance in a PUBLISH besides topic and payload: the packet identifier, and the properties of MQTT 5, which the guard
 * does not parse.
 */
const PUBLISH_EXTRA_SIZE = 2 + 1_024;

const CONNECT = 1;
const CONNACK = 2;
const PUBLISH = 3;

/** Names of the packet types (MQTT 5.0 section 2.1.2); 0 is reserved. */
const NAMES: readonly string[] = [
  ...["reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"],
  ...["SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"],
];

/** Shift of the last byte of a remaining length. */
const LAST_LENGTH_SHIFT = 21;

/**
 * Checks one direction of an MQTT connection, and refuses packets that are too large before they are read. This is needed
 * because MQTT parsers buffer a packet of any announced length until its last byte.
 *
 * Reads only the fixed header of each packet (MQTT 3.1.1 section 2.2) and the topic of a PUBLISH (3.3.2.1). Keeps at most
 * {@link TOPIC_SIZE_MAX} bytes. The result does not depend on how the bytes are divided into reads.
 */
export class PacketGuard {
  readonly #limits: PacketLimits;
  /** Part of the packet that the next byte belongs to. */
  #place: "type" | "length" | "topic-size-high" | "topic-size-low" | "topic" | "rest" = "type";
  #refusal: PacketRefusal | undefined;
  #isFirst = true;
  #position = 0;
  #packetOffset = 0;
  #type = 0;
  #length = 0;
  #lengthShift = 0;
  /** Number of bytes of the packet still to come. */
  #left = 0;
  #topicSize = 0;
  #topicRead = 0;
  /** Bytes of the current topic. They overwrite those of the last one, which is usually the same for all chunks. */
  readonly #topic: Uint8Array = new Uint8Array(TOPIC_SIZE_MAX);
  #knownSize = 0;
  #knownLimit = 0;
  #isKnown = false;

  constructor(limits: PacketLimits) {
    this.#limits = limits;
  }

  /** Announced size of the current packet, which its reader may buffer, in bytes; 0 between packets. */
  get unfinishedBytes(): number {
    return this.#place === "rest" ? this.#length : 0;
  }

  /**
   * Checks the next bytes of the connection.
   *
   * @returns The refusal, which is permanent; `undefined` if the bytes may be read.
   */
  push(bytes: Uint8Array): PacketRefusal | undefined {
    let index = 0;
    while (index < bytes.length && this.#refusal === undefined) index += this.advance(bytes, index);
    return this.#refusal;
  }

  /**
   * Checks the next bytes of the connection, up to the end of the current packet.
   *
   * @param from - Index in `bytes` at which to begin.
   * @returns Number of bytes checked.
   */
  advance(bytes: Uint8Array, from: number): number {
    let index = from;
    while (index < bytes.length && this.#refusal === undefined) {
      const count = this.#takeFrom(bytes, index);
      index += count;
      this.#position += count;
      if (this.#place === "type") break;
    }
    return index - from;
  }

  /** The refusal; `undefined` if there is none. */
  get refusal(): PacketRefusal | undefined {
    return this.#refusal;
  }

  /** MQTT name of the packet that ended with the last byte; `undefined` within a packet. */
  get endedPacket(): string | undefined {
    return this.#place === "type" && !this.#isFirst ? NAMES[this.#type] : undefined;
  }

  /** Returns the number of bytes checked, at least one. */
  #takeFrom(bytes: Uint8Array, index: number): number {
    const byte = bytes[index] ?? 0;
    switch (this.#place) {
      case "type":
        this.#takeType(byte);
        return 1;
      case "length":
        this.#takeLength(byte);
        return 1;
      case "topic-size-high":
        this.#topicSize = byte << 8;
        this.#left--;
        this.#place = "topic-size-low";
        return 1;
      case "topic-size-low":
        this.#topicSize |= byte;
        this.#left--;
        this.#beginTopic();
        return 1;
      case "topic":
        return this.#takeTopic(bytes, index);
      case "rest":
        return this.#pass(bytes.length - index);
    }
  }

  #takeType(byte: number): void {
    this.#packetOffset = this.#position;
    this.#type = byte >> 4;
    this.#length = 0;
    this.#lengthShift = 0;
    this.#topicSize = 0;
    this.#topicRead = 0;
    const first = this.#limits.first === "connect" ? CONNECT : CONNACK;
    if (this.#isFirst && this.#type !== first) return this.#refuse("first-packet", 0);
    this.#isFirst = false;
    this.#place = "length";
  }

  #takeLength(byte: number): void {
    this.#length |= (byte & 0x7f) << this.#lengthShift;
    if ((byte & 0x80) !== 0) {
      if (this.#lengthShift === LAST_LENGTH_SHIFT) return this.#refuse("length", 0);
      this.#lengthShift += 7;
      return;
    }
    this.#left = this.#length;
    if (this.#type === PUBLISH) {
      if (this.#length < 2) return this.#refuse("topic", 0);
      this.#place = "topic-size-high";
      return;
    }
    const { connectSizeMax, packetSizeMax } = this.#limits;
    this.#admit(this.#type === CONNECT ? connectSizeMax : packetSizeMax);
  }

  #beginTopic(): void {
    if (this.#topicSize > this.#left) return this.#refuse("topic", 0);
    if (this.#topicSize === 0 || this.#topicSize > TOPIC_SIZE_MAX) {
      return this.#admitMessage(this.#limits.messageSizeMax(undefined));
    }
    this.#isKnown = this.#topicSize === this.#knownSize;
    this.#place = "topic";
  }

  #takeTopic(bytes: Uint8Array, index: number): number {
    const topic = this.#topic;
    const begin = this.#topicRead;
    const count = Math.min(this.#topicSize - begin, bytes.length - index);
    for (let offset = 0; offset < count; offset++) {
      const byte = bytes[index + offset] ?? 0;
      if (topic[begin + offset] === byte) continue;
      topic[begin + offset] = byte;
      this.#isKnown = false;
    }
    this.#topicRead += count;
    this.#left -= count;
    if (this.#topicRead === this.#topicSize) this.#endTopic();
    return count;
  }

  #endTopic(): void {
    if (!this.#isKnown) {
      this.#knownLimit = this.#limits.messageSizeMax(this.#topicText());
      this.#knownSize = this.#topicSize;
    }
    this.#admitMessage(this.#knownLimit);
  }

  #admitMessage(sizeMax: number): void {
    this.#admit(2 + this.#topicSize + PUBLISH_EXTRA_SIZE + sizeMax);
  }

  #admit(limit: number): void {
    if (this.#length > limit) return this.#refuse("too-large", limit);
    this.#place = "rest";
    this.#pass(0);
  }

  #pass(available: number): number {
    const count = Math.min(this.#left, available);
    this.#left -= count;
    if (this.#left === 0) this.#place = "type";
    return count;
  }

  #topicText(): string | undefined {
    return decodeUtf8(this.#topic.subarray(0, this.#topicRead));
  }

  #refuse(reason: PacketRefusal["reason"], limitBytes: number): void {
    this.#refusal = {
      reason,
      packet: NAMES[this.#type] ?? "reserved",
      topic: this.#topicRead === 0 ? undefined : this.#topicText(),
      sizeBytes: this.#length,
      limitBytes,
      offset: this.#packetOffset,
    };
  }
}
