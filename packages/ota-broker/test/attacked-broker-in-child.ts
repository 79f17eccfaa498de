// Lets itself be attacked and prints how much memory that took at most: its own process, so that nothing else counts.
import { once } from "node:events";
import { connect } from "mqtt";
import { peakMemoryBytes } from "../../../test/peak-memory.ts";
import { guardClient } from "../src/client.ts";
import { startEmbeddedBroker } from "../src/index.ts";
import { startUnguardedBroker } from "./unguarded-broker.ts";

/** What can be attacked; each tells the port it listens on, 0 for none. */
const VICTIMS: Readonly<Record<string, (url: string) => Promise<number>>> = {
  broker: async () => (await startEmbeddedBroker()).port,
  "unguarded-broker": async () => (await startUnguardedBroker()).port,
  client: async (url) => {
    guardClient(connect(url, { reconnectPeriod: 50 }));
    return 0;
  },
  "unguarded-client": async (url) => {
    connect(url, { reconnectPeriod: 50 });
    return 0;
  },
};

const [name = "", url = ""] = process.argv.slice(2);
const port = await VICTIMS[name]?.(url);
if (port === undefined) throw new Error(`the victim must be one of ${Object.keys(VICTIMS).join(", ")}`);
const before = process.memoryUsage.rss();
process.stdout.write(`${port}\n`);
await once(process.stdin.resume(), "end");
process.stdout.write(`${peakMemoryBytes() - before}\n`);
process.exit();
