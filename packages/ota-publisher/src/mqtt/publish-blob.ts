import type { MqttClient } from "mqtt";

/** A file as one message. */
export interface BlobMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** How the publication of a message ended. */
export type BlobEnd =
  /** The broker has it. `reachedNobody`: it said that no client is subscribed (MQTT 5; one that says nothing may have none). */
  | { readonly type: "taken"; readonly reachedNobody: boolean }
  /** The broker answered with a reason code of MQTT 5; `undefined`: with one that MQTT does not have there. */
  | { readonly type: "refused"; readonly reasonCode: number | undefined }
  /** The connection ended first, with the reason code of the broker's DISCONNECT if it sent one. */
  | { readonly type: "lost"; readonly reasonCode: number | undefined };

const NO_MATCHING_SUBSCRIBERS = 16;

/**
 * Publishes one large message over a connection that nothing else is sent on. The client must have no keep-alive of its
 * own (`forBlob` of the connection's options): its ping would wait behind the message, and a slow link look like a dead one.
 *
 * @param signal - Ends the publication: in the middle of the message with the connection, behind it without.
 * @returns How it ended. At QoS 0, which has no answer, a ping behind the message tells that the broker has read it.
 */
export async function publishBlob(client: MqttClient, message: BlobMessage, signal: AbortSignal): Promise<BlobEnd> {
  const { topic, payload, qos, retain } = message;
  const ended = new AbortController();
  const answers = listen(client, ended.signal);
  const isUnderWay = (): boolean => client.stream.writableLength > 0;
  const abort = (): void => {
    // Between two bytes of a message no goodbye can be said; behind its last one it can.
    if (isUnderWay()) client.stream.destroy();
    else {
      client.removeOutgoingMessage(client.getLastMessageId());
      answers.giveUp();
    }
  };
  signal.addEventListener("abort", abort, { once: true });
  const { keepalive } = client;
  const ping = (): unknown => isUnderWay() || client.sendPing();
  const pings = keepalive > 0 ? setInterval(ping, 500 * keepalive) : undefined;
  const publish = async (): Promise<BlobEnd> => {
    try {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      await client.publishAsync(topic, bytes, { qos, retain });
      if (qos === 0) {
        client.sendPing();
        await answers.pong;
      }
      return { type: "taken", reachedNobody: answers.reachedNobody() };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return typeof code === "number" ? { type: "refused", reasonCode: code } : answers.lost();
    }
  };
  try {
    return client.connected ? await Promise.race([publish(), answers.ended]) : answers.lost();
  } finally {
    ended.abort();
    clearInterval(pings);
    signal.removeEventListener("abort", abort);
  }
}

/** What the broker says besides the acknowledgement that mqtt.js waits for. */
interface Answers {
  /** Fulfilled when the connection ends or is given up, or the broker's reason code is one that mqtt.js does not read. */
  readonly ended: Promise<BlobEnd>;
  /** Fulfilled with the answer to a ping. */
  readonly pong: Promise<void>;
  giveUp(): void;
  reachedNobody(): boolean;
  lost(): BlobEnd;
}

function listen(client: MqttClient, until: AbortSignal): Answers {
  let reasonCode: number | undefined;
  let reachedNobody = false;
  let onPong = (): void => undefined;
  let onEnd = (_end: BlobEnd): void => undefined;
  const pong = new Promise<void>((resolve) => {
    onPong = resolve;
  });
  const ended = new Promise<BlobEnd>((resolve) => {
    onEnd = resolve;
  });
  const lost = (): BlobEnd => ({ type: "lost", reasonCode });
  const receive = (packet: { readonly cmd: string; readonly reasonCode?: number }): void => {
    if (packet.cmd === "pingresp") onPong();
    else if (packet.cmd === "disconnect") reasonCode = packet.reasonCode;
    else if (packet.reasonCode === NO_MATCHING_SUBSCRIBERS) reachedNobody = true;
  };
  /**
   * mqtt.js parses no reason code that the specification does not list for a packet, and Mosquitto sends one: 149 in the
   * acknowledgement of a message above its `message_size_limit`.
   */
  const fail = ({ message }: Error): void => {
    if (/^Invalid (?:puback|pubrec|pubcomp) reason code$/.test(message))
      onEnd({ type: "refused", reasonCode: undefined });
  };
  const giveUp = (): void => onEnd(lost());
  client.on("packetreceive", receive).on("error", fail).on("close", giveUp);
  until.addEventListener("abort", () => client.off("packetreceive", receive).off("error", fail).off("close", giveUp));
  return { ended, pong, giveUp, reachedNobody: () => reachedNobody, lost };
}
