import { connect, type MqttClient } from "mqtt";
import { guardClient } from "../packages/ota-broker/src/client.ts";
import { startEmbeddedBroker } from "../packages/ota-broker/src/index.ts";
import { startUnguardedBroker } from "../packages/ota-broker/test/unguarded-broker.ts";
import { type BenchLine, compare } from "./bench-line.ts";

const MESSAGE_SIZE = 4_116;
const MESSAGE_COUNT = 2_000;
/** Three parts in a hundred are less than what chance does to one round. */
const ROUNDS = 81;
const TOPIC = "tinybms/gateway/ota/v1/image/0123456789abcdef0123456789abcdef/chunk";

/**
 * Chunks from a publisher to a device over TCP: through the embedded broker with a guard at each of its connections, its
 * access control, and guards at both clients; against aedes and mqtt.js as they come.
 */
export async function benchGuards(): Promise<readonly BenchLine[]> {
  return [
    await compare(`${MESSAGE_COUNT} chunks through guards, against none`, 1.03, ROUNDS, {
      ours: async () => send(await startEmbeddedBroker(), (client) => guardClient(client)),
      plain: async () => send(await startUnguardedBroker(), () => undefined),
    }),
  ];
}

/**
 * Milliseconds of processor time from the first publish to the last message at the subscriber: everything runs in this
 * process, and what others do on the machine stays out of it. Ends the broker.
 */
async function send(
  broker: { readonly url: string; close(): Promise<void> },
  guard: (client: MqttClient) => void,
): Promise<number> {
  const open = async (): Promise<MqttClient> => {
    const client = connect(broker.url);
    guard(client);
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    return client;
  };
  const [publisher, subscriber] = [await open(), await open()];
  try {
    await subscriber.subscribeAsync(TOPIC, { qos: 1 });
    let received = 0;
    const all = new Promise<void>((resolve) => {
      subscriber.on("message", () => {
        received++;
        if (received === MESSAGE_COUNT) resolve();
      });
    });
    const start = process.cpuUsage();
    for (let message = 0; message < MESSAGE_COUNT; message++) {
      publisher.publish(TOPIC, Buffer.alloc(MESSAGE_SIZE, message), { qos: 1 });
    }
    await all;
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  } finally {
    await Promise.all([publisher.endAsync(), subscriber.endAsync()]);
    await broker.close();
  }
}
