import type { MqttClient } from "mqtt";

/** Message that contains a whole file. */
export interface BlobMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** Result of publishing a message. */
export type BlobEnd =
  /**
   * The broker has the message. `reachedNobody` is `true` if it reported that no client is subscribed (MQTT 5 only).
   */
  | { readonly type: "taken"; readonly reachedNobody: boolean }
  /**
   * The broker answered with a reason code of MQTT 5. `undefined` stands for a code that MQTT does not define there.
   */
  | { readonly type: "refused"; readonly reasonCode: number | undefined }
  /** The connection ended before, with the reason code of the broker's DISCONNECT, if any. */
  | { readonly type: "lost"; readonly reasonCode: number | undefined };

const NO_MATCHING_SUBSCRIBERS = 16;

/**
 * Publishes one large message over a connection without other messages. The client must not send keep-alive pings
 * itself (`forBlob` in the connection's options): they would wait behind the message, so that a slow link would look
 * dead.
 *
 * @param signal - Stops publishing. During the message that closes the connection, after it it does not.
 * @returns The result. At QoS 0, which has no acknowledgement, the answer to a ping after the message confirms it.
 */
export async function publishBlob(client: MqttClient, message: BlobMessage, signal: AbortSignal): Promise<BlobEnd> {
  const { topic, payload, qos, retain } = message;
  const ended = new AbortController();
  const answers = listen(client, ended.signal);
  const isUnderWay = (): boolean => client.stream.writableLength > 0;
  const abort = (): void => {
    // DISCONNECT can't be sent in the middle of a message, only after it.
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

/** Answers of the broker besides the acknowledgement that mqtt.js waits for. */
interface Answers {
  /** Resolves when the connection ends or is given up, or the broker sends a reason code that mqtt.js can't parse. */
  readonly ended: Promise<BlobEnd>;
  /** Resolves with the answer to a ping. */
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
   * Handles reason codes that MQTT does not define for a packet, which mqtt.js reports as an error. Mosquitto sends
   * one: 149 in the acknowledgement of a message above its `message_size_limit`.
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
