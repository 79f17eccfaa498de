import { parseTopic } from "../messages/topics.ts";
import type { SenderEvent } from "./sender-events.ts";

/** A message from the broker. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** RETAIN flag of the message. */
  readonly retained: boolean;
}

/**
 * Returns the event of a sender for a message from the broker.
 *
 * @param topicRoot - The channel's `topic`.
 * @param now - Time in milliseconds on the clock of the sender's events.
 */
export function senderEventOf(
  topicRoot: string,
  { topic, payload, retained }: ReceivedMessage,
  now: number,
): SenderEvent {
  const parsed = parseTopic(topicRoot, topic);
  switch (parsed?.kind) {
    case "request":
      return { type: "request", now, device: parsed.device, payload };
    case "state":
      return { type: "state", now, device: parsed.device, payload, retained };
    case "image-chunk":
    case "device-chunk":
      return { type: "chunk", now, payload, isForAll: parsed.kind === "image-chunk" };
    default:
      return { type: "announcement", now, topic, payload, retained };
  }
}
