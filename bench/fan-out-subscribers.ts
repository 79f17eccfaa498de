/**
 * The subscribers of `fan-out.ts`, in a process of their own as simulated devices are. Writes `ready` when all have
 * subscribed, and `done` when each has received as many bytes as it is told.
 */

import { connectAsync, type MqttClient } from "mqtt";

/** Number of subscribers that connect at the same time, as simulated devices do. */
const CONNECTIONS_AT_ONCE = 50;

const [url = "", topic = "", count = "0", bytes = "0"] = process.argv.slice(2);
const clients: MqttClient[] = [];
let pending = Number(count);

async function subscribe(): Promise<void> {
  const client = await connectAsync(url, { log: () => undefined });
  clients.push(client);
  let missing = Number(bytes);
  client.on("message", (_topic, payload) => {
    missing -= payload.length;
    if (missing === 0 && --pending === 0) process.stdout.write("done\n");
  });
  await client.subscribeAsync(topic, { qos: 1 });
}

while (clients.length < Number(count)) {
  const next = Math.min(CONNECTIONS_AT_ONCE, Number(count) - clients.length);
  await Promise.all(Array.from({ length: next }, subscribe));
}
process.stdout.write("ready\n");
