import {
  type DeliveryOutcome,
  type DeviceProgress,
  parseTopic,
  type Sender,
  type SenderAction,
  type SenderEvent,
  topicsOf,
} from "@tinybms/ota-core";
import type { ImageFile } from "../image-file.ts";
import type { DeliveryTarget } from "../offer-payload.ts";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";
import { SenderTimers } from "./sender-timers.ts";

/** What a sender works with, besides its connection. */
export interface SenderSurroundings {
  /** The channel's topic. */
  readonly topicRoot: string;
  readonly target: DeliveryTarget;
  readonly image: Pick<ImageFile, "readChunk">;
}

/** What is told while a sender runs. */
export interface SenderWatch {
  /** Ends the delivery: devices keep the offer, and what they have. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (device: DeviceProgress) => void;
  /** The broker keeps the offer. Only of a delivery that waits to be cancelled. */
  readonly onOffered?: () => void;
  /** A state report, before the sender takes it. */
  readonly onReport?: (device: string, payload: Uint8Array) => void;
  /** The connection was lost, or is there again. */
  readonly onConnection?: (connected: boolean) => void;
}

/**
 * Runs a sender on a connection until it is done.
 *
 * @throws {@link OtaError} `delivery/connection-lost` if the connection is away when the delivery ends undone;
 *   `delivery/broker-refused` if the broker refuses a subscription or a retained message.
 */
export function carryOut(
  sender: Sender,
  connection: BrokerConnection,
  { topicRoot, target, image }: SenderSurroundings,
  { signal, onProgress, onOffered, onReport, onConnection }: SenderWatch,
): Promise<DeliveryOutcome> {
  return new Promise((resolve, reject) => {
    const timers = new SenderTimers((timer) => handle({ type: "timer", now: performance.now(), timer }));
    const cancel = (): void => handle({ type: "cancel", now: performance.now() });
    let ended = false;
    const end = (): void => {
      ended = true;
      timers.clearAll();
      connection.removeAllListeners();
      signal?.removeEventListener("abort", cancel);
    };
    const finish = (outcome: DeliveryOutcome): void => {
      end();
      const isUndone = ["timeout", "no-device", "cancelled", "not-retained"].includes(outcome.reason);
      if (!isUndone || connection.connected || signal?.aborted === true) resolve(outcome);
      else reject(connection.lossError());
    };
    const handle = (event: SenderEvent): void => {
      if (ended) return;
      try {
        for (const action of sender.handle(event)) perform(action);
      } catch (error) {
        finishWith(error);
      }
    };
    const perform = (action: SenderAction): void => {
      if (action.type === "publish") void publish(action);
      else if (action.type === "read-chunk") {
        handle({ type: "chunk-read", now: performance.now(), id: action.id, bytes: image.readChunk(action.index) });
      } else if (action.type === "subscribe") void subscribe(action.topic);
      else if (action.type === "set-timer") timers.set(action.timer, action.at);
      else if (action.type === "clear-timer") timers.clear(action.timer);
      else if (action.type === "progress") onProgress?.(action.device);
      else if (action.type === "offered") onOffered?.();
      else finish(action.outcome);
    };
    const publish = async ({ topic, payload, qos, retain, id }: SenderAction & { type: "publish" }): Promise<void> => {
      const result = await connection.publish(topic, payload, { qos, retain });
      const now = performance.now();
      if (result === "acknowledged") handle({ type: "drained", now, id });
      // A chunk without its acknowledgement makes room for the next: devices ask again for what they lack.
      if (result === "silent") handle({ type: retain ? "unacknowledged" : "drained", now, id });
      if (result === "refused" && retain && !ended) finishWith(connection.refusedMessageError(topic));
    };
    const finishWith = (error: unknown): void => {
      end();
      reject(error);
    };
    const subscribe = async (topic: string): Promise<void> => {
      const granted = await connection.subscribe(topic);
      // Offers to every device are watched as far as the broker allows it; nothing else rests on them.
      const isOptional = target !== "all" && topic === topicsOf(topicRoot).offer;
      if (granted || ended || !connection.connected || isOptional) return;
      finishWith(connection.refusedError(`it does not let us subscribe to ${topic}`));
    };
    connection.on("message", (message) => {
      const event = eventOf(message, topicRoot);
      if (event.type === "state") onReport?.(event.device, event.payload);
      handle(event);
    });
    connection.on("disconnected", () => {
      onConnection?.(false);
      handle({ type: "disconnected", now: performance.now() });
    });
    connection.on("connected", () => {
      onConnection?.(true);
      handle({ type: "connected", now: performance.now() });
    });
    connection.on("failed", cancel);
    signal?.addEventListener("abort", cancel, { once: true });
    handle({ type: "start", now: performance.now() });
    if (connection.connected) handle({ type: "connected", now: performance.now() });
    if (signal?.aborted === true) cancel();
  });
}

function eventOf({ topic, payload, retained }: BrokerMessage, topicRoot: string): SenderEvent {
  const parsed = parseTopic(topicRoot, topic);
  const now = performance.now();
  if (parsed?.kind === "request") return { type: "request", now, device: parsed.device, payload };
  if (parsed?.kind === "state") return { type: "state", now, device: parsed.device, payload, retained };
  return { type: "announcement", now, topic, payload, retained };
}
