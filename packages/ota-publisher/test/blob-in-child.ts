// Delivers one file as one message and prints how much memory that took at most: its own process, so that nothing else counts.
import { peakMemoryBytes } from "../../../test/peak-memory.ts";
import { openArtifact } from "../src/image-file.ts";
import { parseBrokerUrl } from "../src/mqtt/broker-url.ts";
import { deliverBlob } from "../src/mqtt/deliver-blob.ts";

const [url = "", path = "", insecure = ""] = process.argv.slice(2);
const file = openArtifact(path, { file: "ota.json", name: "gateway" });
await deliverBlob(
  {
    broker: parseBrokerUrl(url),
    connection: { clientId: "blob-in-child", connectTimeoutMs: 10_000, insecure: insecure === "insecure" },
    ...{ topic: "bench/ota", qos: 1, retain: false, timeoutMs: 60_000 },
    file,
  },
  {
    signal: new AbortController().signal,
    onProgress: () => {},
    onRetry: () => {},
    onConnection: () => {},
  },
);
file.close();
process.stdout.write(`${peakMemoryBytes()}\n`);
