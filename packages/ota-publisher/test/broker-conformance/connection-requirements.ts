import { topicsOf } from "@tinybms/ota-core";
import { type ConformanceBench, DEVICE, TOPIC_ROOT } from "./bench.ts";
import type { Requirement } from "./requirement.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const CLIENT_ID = `tinybms-${DEVICE}`;

/** Waits for the will of a device. */
async function isReported(
  bench: ConformanceBench,
  topic: string,
  payload: Uint8Array,
  end: () => void,
): Promise<boolean> {
  const watcher = await bench.publisher();
  await watcher.subscribe(bench.topics.stateFilter);
  end();
  return watcher.receives(topic, payload);
}

/** What the protocol relies on when clients connect and disconnect, and after a restart of the broker. */
export const CONNECTION_REQUIREMENTS: readonly Requirement[] = [
  {
    name: "discards the subscriptions of a clean session with its connection",
    sentence: "A device subscribes to an image's topics only while it downloads it.",
    without: "devices get chunks that they want no more",
    async check(bench) {
      const { topics } = bench;
      const first = await bench.raw({ clientId: CLIENT_ID });
      await first?.subscribe(topics.deviceChunk(DEVICE));
      first?.disconnect();
      await first?.closed();
      const second = await bench.raw({ clientId: CLIENT_ID });
      if (second === undefined) return "a second connection is refused";
      await second.subscribe(topics.deviceOffer(DEVICE));
      const sender = await bench.publisher();
      await sender.publish(topics.deviceChunk(DEVICE), text("chunk"));
      await sender.publish(topics.deviceOffer(DEVICE), text("offer"));
      const message = await second.next(({ type }) => type === 3);
      if (message === undefined) return "nothing is delivered";
      return message.bytes.includes("chunk") ? "a former subscription still holds" : undefined;
    },
  },
  {
    name: "ends a connection when another one with the same client identifier begins",
    sentence: "It connects with a clean session and the client identifier `tinybms-{device}`.",
    without: "a device that lost its power comes back only after the keep-alive time",
    async check(bench) {
      const first = await bench.raw({ clientId: CLIENT_ID });
      const second = await bench.raw({ clientId: CLIENT_ID });
      if (first === undefined || second === undefined) return "the second connection is refused";
      return (await first.closed()) ? undefined : "the first connection stays";
    },
  },
  {
    name: "publishes no will after DISCONNECT",
    sentence: "sends DISCONNECT, so that its will does not replace the report.",
    without: "devices seem offline while they restart",
    async check(bench) {
      const will = { topic: bench.topics.state(DEVICE), payload: text("offline") };
      const watcher = await bench.publisher();
      await watcher.subscribe(bench.topics.stateFilter);
      const device = await bench.raw({ clientId: CLIENT_ID, will });
      device?.disconnect();
      await device?.closed();
      const other = await bench.device();
      await other.publish(will.topic, text("online"));
      if (!(await watcher.receives(will.topic, text("online")))) return "the next report is not delivered";
      return watcher.messages.length === 1 ? undefined : "the will is published";
    },
  },
  {
    name: "notices a silent client by its keep-alive time, and publishes its will",
    sentence: "not in `ready-to-reboot` before its will",
    without: "a device without power seems online, and a delivery waits for it",
    async check(bench) {
      const will = { topic: bench.topics.state(DEVICE), payload: text("offline") };
      const device = await bench.raw({ clientId: CLIENT_ID, keepAliveSeconds: 1, will });
      if (device === undefined) return "the device is refused";
      const isThere = await isReported(bench, will.topic, will.payload, () => undefined);
      return isThere ? undefined : "the will of a silent client is not published";
    },
  },
  {
    name: "takes client identifiers of 72 characters",
    sentence: "`{device}` is 1 to 64 characters of `[A-Za-z0-9._-]`, the first a letter or digit.",
    without: "devices with long names can't connect",
    async check(bench) {
      const client = await bench.raw({ clientId: `tinybms-${"a".repeat(64)}` });
      return client === undefined ? "the device is refused" : undefined;
    },
  },
  {
    name: "takes topics of 128 bytes, and wills of 1 024 bytes",
    sentence: "A whole topic has at most 128 bytes.",
    without: "devices with long names don't get an image",
    async check(bench) {
      const root = `${TOPIC_ROOT}/${"r".repeat(45)}`.slice(0, 45);
      const topic = topicsOf(root).request("a".repeat(64));
      const will = { topic, payload: new Uint8Array(1024).fill(0x61) };
      const watcher = await bench.publisher();
      await watcher.subscribe(topic);
      const device = await bench.raw({ clientId: CLIENT_ID, will });
      if (device === undefined) return "the device is refused";
      device.destroy();
      return (await watcher.receives(topic, will.payload)) ? undefined : "the message is not delivered";
    },
  },
  {
    name: "keeps retained messages when it restarts",
    sentence: "Publishers keep every set but the first retained, for devices that were off for long.",
    without: "offers and key sets end with the broker: devices that were off don't get them",
    kind: "stored",
    async check(bench) {
      const sender = await bench.publisher();
      const topic = bench.topics.deviceOffer(DEVICE);
      await sender.publish(topic, text("offer"), { retain: true });
      await bench.broker.restart();
      const device = await bench.device();
      await device.subscribe(topic);
      const isThere = await device.receives(topic, text("offer"), { retained: true });
      return isThere ? undefined : "the retained message is lost";
    },
  },
  {
    name: "refuses a device what the topics table gives to others",
    sentence:
      "A device publishes its own `request` and `state` only, and a publisher everything else: broker access control follows from the table.",
    without: "the credentials of one device can report for all",
    kind: "guarded",
    async check(bench) {
      const { topics } = bench;
      const watcher = await bench.publisher();
      await watcher.subscribe(topics.stateFilter);
      await watcher.subscribe(topics.deviceOffer(DEVICE));
      // A broker may end the connection with the refusal.
      await (await bench.device()).publish(topics.state("bench-2"), text("forged"));
      await (await bench.device()).publish(topics.deviceOffer(DEVICE), text("forged"));
      await (await bench.device()).publish(topics.state(DEVICE), text("own"));
      if (!(await watcher.receives(topics.state(DEVICE), text("own")))) return "a device can't publish its own report";
      const forged = watcher.messages.find((message) => message.topic !== topics.state(DEVICE));
      return forged === undefined ? undefined : `a device can publish on ${forged.topic}`;
    },
  },
];
