import { parseTopic } from "../messages/topics.ts";
import type { ReceiverEvent } from "./receiver-events.ts";

/** A message that the broker delivered to a device. */
export interface DeviceMessage {
  /** Time in milliseconds. */
  readonly now: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** RETAIN flag of its PUBLISH. */
  readonly retained: boolean;
}

/**
 * Returns the receiver's event for a message.
 *
 * @param receiver - Topic of the channel, and name of the device.
 * @returns `undefined` if the topic is not one to which the device subscribes.
 */
export function messageEvent(
  { topicRoot, device }: { readonly topicRoot: string; readonly device: string },
  message: DeviceMessage,
): ReceiverEvent | undefined {
  const { now, topic, payload, retained } = message;
  const parsed = parseTopic(topicRoot, topic);
  if (parsed !== undefined && "device" in parsed && parsed.device !== device) return undefined;
  switch (parsed?.kind) {
    case "offer":
    case "device-offer":
      return { type: "offer", now, payload, retained };
    case "keys":
      return { type: "key-set", now, payload, retained };
    case "hashes":
      return { type: "hashes", now, image: parsed.image, payload };
    case "image-chunk":
    case "device-chunk":
      return { type: "chunk", now, payload };
    default:
      return undefined;
  }
}
