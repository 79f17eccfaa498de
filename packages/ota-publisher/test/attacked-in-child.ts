// Connects to a broker as `deploy` does, lets itself be attacked until its input ends, and prints how much memory that
// took at most, in bytes: its own process, so that nothing else counts.
import { once } from "node:events";
import { peakMemoryBytes } from "../../../test/peak-memory.ts";
import { parseBrokerUrl } from "../src/mqtt/broker-url.ts";
import { connectBroker } from "../src/mqtt/connection.ts";

const [url = ""] = process.argv.slice(2);
const before = process.memoryUsage.rss();
process.stdout.write("ready\n");
// Tried again and again, be it before the connection counts as made or after.
connectBroker(parseBrokerUrl(url), { clientId: "publisher", connectTimeoutMs: 60_000 }).catch(() => undefined);
await once(process.stdin.resume(), "end");
process.stdout.write(`${peakMemoryBytes() - before}\n`);
process.exit();
