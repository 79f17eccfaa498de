import {
  type DeliveryOutcome,
  type DeviceProgress,
  type Sender,
  type SenderAction,
  type SenderEvent,
  type SenderTimer,
  senderEventOf,
  topicsOf,
} from "@tinybms/ota-core";
import type { ImageFile } from "../image-file.ts";
import type { OfferTarget } from "../offer-payload.ts";
import type { BrokerConnection } from "./connection.ts";
import { NamedTimers } from "./named-timers.ts";

/** Delivery data that a sender needs besides its connection. */
export interface SenderSurroundings {
  /** Topic of the channel. */
  readonly topicRoot: string;
  readonly target: OfferTarget;
  readonly image: Pick<ImageFile, "readChunk">;
}

/** Receives the events of a running sender. */
export interface SenderWatch {
  /** Ends the delivery. Devices keep the offer and the chunks that they have. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (device: DeviceProgress) => void;
  /** Called when the broker retains the offer. Only for a delivery that runs until it is canceled. */
  readonly onOffered?: () => void;
  /** Called with each state report before the sender handles it. */
  readonly onReport?: (device: string, payload: Uint8Array) => void;
  /** Called when the connection is lost or restored. */
  readonly onConnection?: (connected: boolean) => void;
}

/**
 * Runs a sender on a connection until the delivery ends.
 *
 * @throws {@link OtaError} `delivery/connection-lost` if an incomplete delivery ends while the connection is lost;
 *   `delivery/broker-refused` if the broker refuses a subscription or a retained message.
 */
export function carryOut(
  sender: Sender,
  connection: BrokerConnection,
  { topicRoot, target, image }: SenderSurroundings,
  { signal, onProgress, onOffered, onReport, onConnection }: SenderWatch,
): Promise<DeliveryOutcome> {
  return new Promise((resolve, reject) => {
    const timers = new NamedTimers<SenderTimer>((timer) => handle({ type: "timer", now: performance.now(), timer }));
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
      // An unacknowledged chunk makes room for the next one. Devices request missing chunks again.
      if (result === "silent") handle({ type: retain ? "unacknowledged" : "drained", now, id });
      if (result === "refused" && retain && !ended) finishWith(connection.refusedMessageError(topic));
    };
    const finishWith = (error: unknown): void => {
      end();
      reject(error);
    };
    const subscribe = async (topic: string): Promise<void> => {
      const granted = await connection.subscribe(topic);
      // The subscription to offers for every device is optional: a delivery to named devices does not depend on it.
      const isOptional = target !== "all" && "devices" in target && topic === topicsOf(topicRoot).offer;
      if (granted || ended || !connection.connected || isOptional) return;
      finishWith(connection.refusedError(`it does not let us subscribe to ${topic}`));
    };
    connection.on("message", (message) => {
      const event = senderEventOf(topicRoot, message, performance.now());
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
