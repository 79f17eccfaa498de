import { type SenderEvent, senderEventOf } from "@tinybms/ota-core";
import { connectAsync } from "mqtt";
import type { ImagePublisher } from "../src/simulation/publish-image.ts";

/** Runs a minimal publisher over a real broker, for tests of devices. */
export async function publishOver(
  brokerUrl: string,
  topicRoot: string,
  sender: ImagePublisher,
): Promise<() => Promise<void>> {
  const client = await connectAsync(brokerUrl);
  const timers = new Map<string, NodeJS.Timeout>();
  const now = () => Math.floor(performance.now());
  const handle = (event: SenderEvent): void => {
    for (const action of sender.handle(event)) {
      if (action.type === "subscribe") client.subscribe(action.topic, { qos: 1 });
      if (action.type === "clear-timer") clearTimeout(timers.get(action.timer));
      if (action.type === "set-timer") {
        clearTimeout(timers.get(action.timer));
        const fire = () => handle({ type: "timer", now: now(), timer: action.timer });
        timers.set(action.timer, setTimeout(fire, Math.max(0, action.at - now())));
      }
      if (action.type === "publish") {
        const { topic, qos, retain, id } = action;
        client.publish(topic, Buffer.from(action.payload), { qos, retain }, (error) => {
          if (!error) handle({ type: "drained", now: now(), id });
        });
      }
    }
  };
  client.on("message", (topic, payload, { retain: retained }) => {
    handle(senderEventOf(topicRoot, { topic, payload, retained }, now()));
  });
  handle({ type: "start", now: now() });
  handle({ type: "connected", now: now() });
  return async () => {
    for (const timer of timers.values()) clearTimeout(timer);
    await client.endAsync();
  };
}
