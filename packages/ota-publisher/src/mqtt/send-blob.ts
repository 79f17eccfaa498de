import type { MqttClient } from "mqtt";
import { buildPublishHeader, buildPubrel, type MqttVersion } from "./publish-packet.ts";

/** One message that is read from where it lies while it is sent. */
export interface BlobMessage {
  readonly topic: string;
  readonly sizeBytes: number;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /**
   * Fills `into` from `offset` on, in full; called once for each part of the message, in order.
   *
   * What it throws ends the message before it is whole, so that the broker drops it.
   */
  readonly read: (into: Uint8Array, offset: number) => void;
}

/** What is told while a message is sent, and how long the broker may be still. */
export interface BlobWatch {
  /** Bytes of the payload that have left this process. */
  readonly onProgress: (bytesSent: number) => void;
  /** After so long without a byte taken the connection counts as dead, in milliseconds. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** How the sending of a message ended. */
export type BlobEnd =
  /** The broker has it. `reachedNobody`: it said that no client is subscribed (MQTT 5; one that says nothing may have none). */
  | { readonly type: "taken"; readonly reachedNobody: boolean }
  /** The broker answered with a reason code of MQTT 5; `undefined`: with one that MQTT does not have there. */
  | { readonly type: "refused"; readonly reasonCode: number | undefined }
  /** The connection ended first, with the reason code of the broker's DISCONNECT if it sent one. */
  | { readonly type: "lost"; readonly bytesSent: number; readonly reasonCode: number | undefined };

/** Bytes read, encrypted and sent at a time. */
const PIECE_SIZE = 256 * 1024;

/** The only message of its connection that has one. */
const PACKET_ID = 1;

const NO_MATCHING_SUBSCRIBERS = 16;

/** A packet that ends a message, or moves it on at QoS 2. */
interface Answer {
  readonly cmd: string;
  readonly reasonCode: number | undefined;
}

/**
 * Sends one message of any size over a connection that nothing else is sent on.
 *
 * mqtt.js takes payloads whole, and copies them once more at QoS 1 and 2. So the packet is written to its stream from here,
 * a piece at a time: memory does not grow with the message, and how much has left is known. The client must have been
 * made without a keep-alive of its own (`forBlob` of the connection's options): a ping between two pieces would become
 * a part of the message. While the broker's answer is awaited, pings are sent from here.
 *
 * @returns How it ended. At QoS 0, which has no answer, a ping behind the message tells that the broker has read it.
 * @throws What `message.read` throws; the connection is ended then.
 */
export async function sendBlob(client: MqttClient, message: BlobMessage, watch: BlobWatch): Promise<BlobEnd> {
  const conversation = new Conversation(client, watch);
  try {
    const version: MqttVersion = client.options.protocolVersion === 5 ? 5 : 4;
    const { topic, sizeBytes, qos, retain } = message;
    const header = buildPublishHeader({
      ...{ topic, qos, retain, version },
      payloadSizeBytes: sizeBytes,
      packetId: PACKET_ID,
    });
    await conversation.write(header);
    const piece = new Uint8Array(Math.min(PIECE_SIZE, sizeBytes));
    for (let offset = 0; offset < sizeBytes && conversation.isOpen; offset += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, sizeBytes - offset));
      message.read(part, offset);
      if (await conversation.write(part)) conversation.bytesSent = offset + part.length;
      watch.onProgress(conversation.bytesSent);
    }
    return endOf(await conversation.settle(qos), conversation);
  } catch (error) {
    client.stream.destroy();
    throw error;
  } finally {
    conversation.end();
  }
}

function endOf(answer: Answer | undefined, { bytesSent, disconnectReason }: Conversation): BlobEnd {
  if (answer === undefined) return { type: "lost", bytesSent, reasonCode: disconnectReason };
  const { reasonCode } = answer;
  if (isRefusal(answer)) return { type: "refused", reasonCode };
  return { type: "taken", reachedNobody: reasonCode === NO_MATCHING_SUBSCRIBERS };
}

/** One message's exchange with the broker: bytes out, answers in, until the connection ends. */
class Conversation {
  bytesSent = 0;
  /** Reason code of a DISCONNECT that the broker sent. */
  disconnectReason: number | undefined;
  readonly #client: MqttClient;
  readonly #watch: BlobWatch;
  readonly #answers: Answer[] = [];
  readonly #closed: Promise<false>;
  #isOpen: boolean;
  /** Until the message's last byte has left. */
  #isWriting = true;
  /** Ends the wait for an answer. */
  #wake: () => void = () => undefined;
  #tellClosed: () => void = () => undefined;

  constructor(client: MqttClient, watch: BlobWatch) {
    this.#client = client;
    this.#watch = watch;
    this.#isOpen = client.connected;
    this.#closed = new Promise((resolve) => {
      this.#tellClosed = () => resolve(false);
    });
    client.on("packetreceive", this.#receive);
    client.on("error", this.#fail);
    client.on("close", this.#close);
    watch.signal.addEventListener("abort", this.#abort, { once: true });
    if (watch.signal.aborted) this.#abort();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Fulfilled with `true` once the bytes were handed to the network, with `false` if the connection ended before. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (!this.#isOpen) return false;
    const stall = setTimeout(this.#destroy, this.#watch.stallTimeoutMs);
    const written = new Promise<boolean>((resolve) => {
      this.#client.stream.write(bytes, (error) => resolve(error === undefined || error === null));
    });
    const isWritten = await Promise.race([written, this.#closed]);
    clearTimeout(stall);
    return isWritten;
  }

  /** Waits for the broker's last word on the message; `undefined` if the connection ended before. */
  async settle(qos: 0 | 1 | 2): Promise<Answer | undefined> {
    this.#isWriting = false;
    if (qos === 0 && this.#isOpen) this.#client.sendPing();
    const keepaliveMs = this.#client.keepalive * 1000;
    const pings = keepaliveMs > 0 ? setInterval(() => this.#client.sendPing(), keepaliveMs / 2) : undefined;
    try {
      for (;;) {
        const answer = await this.#nextAnswer();
        if (answer === undefined || isLast(answer, qos)) return answer;
        if (answer.cmd === "pubrec") this.#client.stream.write(buildPubrel(PACKET_ID));
      }
    } finally {
      clearInterval(pings);
    }
  }

  end(): void {
    this.#client.off("packetreceive", this.#receive);
    this.#client.off("error", this.#fail);
    this.#client.off("close", this.#close);
    this.#watch.signal.removeEventListener("abort", this.#abort);
  }

  async #nextAnswer(): Promise<Answer | undefined> {
    while (this.#answers.length === 0 && this.#isOpen) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#answers.shift();
  }

  readonly #receive = (packet: { cmd: string; messageId?: number; reasonCode?: number }): void => {
    const { cmd, messageId, reasonCode = 0 } = packet;
    if (cmd === "disconnect") this.disconnectReason = reasonCode;
    else if (cmd === "pingresp" || messageId === PACKET_ID) this.#answers.push({ cmd, reasonCode });
    this.#wake();
  };

  /**
   * mqtt.js parses no reason code that the specification does not list for a packet, and Mosquitto sends one: 149 in the
   * acknowledgement of a message above its `message_size_limit`.
   */
  readonly #fail = ({ message }: Error): void => {
    const cmd = /^Invalid (puback|pubrec|pubcomp) reason code$/.exec(message)?.[1];
    if (cmd !== undefined) this.#answers.push({ cmd, reasonCode: undefined });
    this.#wake();
  };

  readonly #close = (): void => {
    this.#isOpen = false;
    this.#tellClosed();
    this.#wake();
  };

  /** Between two bytes of a message no goodbye can be said; behind its last one it can. */
  readonly #abort = (): void => {
    if (this.#isWriting) this.#destroy();
    else this.#close();
  };

  readonly #destroy = (): void => {
    this.#client.stream.destroy();
  };
}

function isLast(answer: Answer, qos: 0 | 1 | 2): boolean {
  if (qos === 0) return answer.cmd === "pingresp";
  if (qos === 1) return answer.cmd === "puback";
  return answer.cmd === "pubcomp" || (answer.cmd === "pubrec" && isRefusal(answer));
}

function isRefusal({ reasonCode }: Answer): boolean {
  return reasonCode === undefined || reasonCode >= 0x80;
}
