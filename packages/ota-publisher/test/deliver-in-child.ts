import { statSync } from "node:fs";
import type { HttpsChannel } from "@tinybms/ota-core";
import { peakMemoryBytes } from "../../../test/peak-memory.ts";
import { deliverOverHttps } from "../src/https/deliver-over-https.ts";
import { httpsChannelOf } from "../src/https/https-channel.ts";

// Delivers a file in a process of its own and prints the most memory that it ever had, in bytes.
// Arguments: file, its SHA-256, channel as JSON.
const [path = "", sha256 = "", channel = "{}"] = process.argv.slice(2);
const settings = JSON.parse(channel) as HttpsChannel;
const target = httpsChannelOf(settings, { manifestFile: "manifest.json", artifact: "gateway", folder: "." });
const image = { path, sizeBytes: statSync(path).size, sha256, filename: "gateway.bin", version: "1.0.0" };
const watch = { onProgress: () => {}, onRetry: () => {} };
await deliverOverHttps({ target, image, timeoutMs: 60_000 }, watch, new AbortController().signal);
process.stdout.write(`${peakMemoryBytes()}\n`);
