import {
  bodyOffset,
  buildPacket,
  ConnectFlag,
  type Packet,
  PacketType,
  PublishFlag,
  readPublish,
} from "../mqtt-packets.ts";
import { behindProxy, mosquittoIn, type StartBroker } from "./brokers-under-test.ts";
import type { PacketFault } from "./faulty-proxy.ts";

/** A broker that lacks a behavior. */
export interface FaultyBroker {
  readonly start: StartBroker;
  /** What the requirement's check finds. */
  readonly finds: RegExp;
  /** Time limit of each wait, in milliseconds. @defaultValue 3 000 */
  readonly waitMs?: number;
}

/** Changes a CONNECT packet at its flags (MQTT 3.1.1 section 3.1.2), and passes all others. */
function changingConnect(change: (packet: Buffer, flagsAt: number) => void): PacketFault {
  return {
    fromClient: ({ type, bytes }) => {
      const packet = Buffer.from(bytes);
      if (type === PacketType.connect) change(packet, bodyOffset(packet) + 7);
      return [packet];
    },
  };
}

/** Changes the first byte of each PUBLISH from the client. */
function changingFlags(change: (first: number, topic: string, payload: Buffer) => number): PacketFault {
  return {
    fromClient: ({ type, bytes }) => {
      if (type !== PacketType.publish) return [bytes];
      const { topic, payload } = readPublish(bytes);
      const packet = Buffer.from(bytes);
      packet[0] = change(packet[0] ?? 0, topic, payload);
      return [packet];
    },
  };
}

/** Drops packets from the client. */
function dropping(isDropped: (packet: Packet) => boolean): PacketFault {
  return { fromClient: (packet) => (isDropped(packet) ? [] : [packet.bytes]) };
}

/** Returns a broker that lacks it for each requirement, by its name. */
export function faultyBrokers(folder: string): Readonly<Record<string, FaultyBroker>> {
  const mosquitto = (...lines: readonly string[]): StartBroker => mosquittoIn(folder, lines);
  const proxied = (fault: (connection: number) => PacketFault): StartBroker => behindProxy(mosquitto(), fault);
  const retainedOnce = new Set<string>();
  return {
    "states no limit below what a delivery needs": {
      start: mosquitto("retain_available false"),
      finds: /retains no messages/,
    },
    "delivers a device's messages to a publisher's wildcard subscription with QoS 1": {
      start: mosquitto("max_qos 0"),
      finds: /subscription with QoS 1 is not granted/,
    },
    "sends a retained message at a subscription": {
      start: proxied(() => changingFlags((first) => first & ~PublishFlag.retain)),
      finds: /does not send the retained message/,
    },
    "sends a retained message at repeated subscriptions too": {
      start: proxied(sendingRetainedOnce),
      finds: /at a second subscription/,
    },
    "removes a retained message when an empty one comes": {
      start: proxied(() =>
        changingFlags((first, _, payload) => (payload.length === 0 ? first & ~PublishFlag.retain : first)),
      ),
      finds: /still sends it/,
    },
    "publishes and retains the will when a connection breaks": {
      start: proxied(() => ({ atEnd: buildPacket(PacketType.disconnect << 4) })),
      finds: /does not publish the will/,
    },
    "takes the hash list as one message": {
      start: mosquitto("message_size_limit 16000"),
      finds: /16384 bytes is not delivered/,
    },
    "delivers chunks on the image's topic and on a device's own": {
      start: mosquitto("message_size_limit 4000"),
      finds: /a chunk for all devices is not delivered/,
    },
    "delivers the messages of one topic in order": {
      start: proxied(swappingMessages),
      finds: /out of order/,
    },
    "discards the subscriptions of a clean session with its connection": {
      start: proxied(() =>
        changingConnect((packet, at) => {
          packet[at] = (packet[at] ?? 0) & ~ConnectFlag.cleanSession;
        }),
      ),
      finds: /former subscription/,
    },
    "ends a connection when another one with the same client identifier begins": {
      start: proxied((connection) =>
        changingConnect((packet, at) => {
          // Keep alive, length of the identifier, and its first character.
          packet[at + 5] = 0x61 + connection;
        }),
      ),
      finds: /first connection stays/,
    },
    "publishes no will after DISCONNECT": {
      start: proxied(() => dropping(({ type }) => type === PacketType.disconnect)),
      finds: /the will is published/,
    },
    "notices a silent client by its keep-alive time, and publishes its will": {
      start: proxied(() => changingConnect((packet, at) => packet.fill(0, at + 1, at + 3))),
      finds: /silent client/,
      waitMs: 8_000,
    },
    "takes client identifiers of 72 characters": {
      start: proxied(() => ({
        fromClient: ({ type, bytes }, answer) => {
          const isLong = type === PacketType.connect && bytes.readUInt16BE(bodyOffset(bytes) + 10) > 23;
          if (isLong) answer(buildPacket(PacketType.connack << 4, Buffer.of(0, 2)));
          return isLong ? [] : [bytes];
        },
      })),
      finds: /refused/,
    },
    "takes topics of 128 bytes, and wills of 1 024 bytes": {
      start: proxied(() => ({
        fromBroker: ({ type, bytes }) =>
          type === PacketType.publish && readPublish(bytes).topic.length > 100 ? [] : [bytes],
      })),
      finds: /not delivered/,
    },
    "keeps retained messages when it restarts": {
      start: (kind) => mosquitto()(kind === "stored" ? "open" : kind),
      finds: /retained message is lost/,
    },
    "refuses a device what the topics table gives to others": {
      start: () => mosquitto()("open"),
      finds: /a device can publish on/,
    },
    "takes a message that comes again with the DUP flag": {
      start: proxied(() =>
        dropping(({ type, bytes }) => type === PacketType.publish && ((bytes[0] ?? 0) & PublishFlag.dup) !== 0),
      ),
      finds: /not acknowledged/,
    },
    "sets the RETAIN flag only in answer to a subscription": {
      start: proxied(() => ({
        fromBroker: ({ type, bytes }) => {
          const packet = Buffer.from(bytes);
          if (type === PacketType.publish) packet[0] = (packet[0] ?? 0) | PublishFlag.retain;
          return [packet];
        },
      })),
      finds: /live message has the RETAIN flag/,
    },
    "keeps the latest retained message of a topic": {
      start: proxied(() =>
        changingFlags((first, topic) => {
          const isFirst = !retainedOnce.has(topic);
          retainedOnce.add(topic);
          return isFirst ? first : first & ~PublishFlag.retain;
        }),
      ),
      finds: /older one is kept/,
    },
    "keeps 48 messages for a device that has not acknowledged the one before": {
      start: mosquitto("max_inflight_messages 1", "max_queued_messages 2"),
      finds: /\d+ of 48 messages arrive/,
    },
    "delivers to all while one client does not read": {
      start: proxied(waitingForSlowest()),
      finds: /\d+ of 256 messages arrive/,
    },
  };
}

/** Sends a connection the retained message of each topic once. */
function sendingRetainedOnce(): PacketFault {
  const sent = new Set<string>();
  return {
    fromBroker: ({ type, bytes }) => {
      const isRetained = type === PacketType.publish && ((bytes[0] ?? 0) & PublishFlag.retain) !== 0;
      if (!isRetained) return [bytes];
      const { topic } = readPublish(bytes);
      const isFirst = !sent.has(topic);
      sent.add(topic);
      return isFirst ? [bytes] : [];
    },
  };
}

/** Sends each second message before the one that came first. */
function swappingMessages(): PacketFault {
  let held: Buffer | undefined;
  return {
    fromBroker: ({ type, bytes }) => {
      if (type !== PacketType.publish) return [bytes];
      const before = held;
      held = before === undefined ? bytes : undefined;
      return before === undefined ? [] : [bytes, before];
    },
  };
}

/** Delivers nothing more to anybody once a client has left ten messages unacknowledged. */
function waitingForSlowest(): () => PacketFault {
  let isHanging = false;
  return () => {
    let unacknowledged = 0;
    return {
      fromClient: ({ type, bytes }) => {
        if (type === PacketType.puback) unacknowledged--;
        return [bytes];
      },
      fromBroker: ({ type, bytes }) => {
        if (type !== PacketType.publish) return [bytes];
        unacknowledged++;
        isHanging ||= unacknowledged > 10;
        return isHanging ? [] : [bytes];
      },
    };
  };
}
