import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildChunk, CHUNK_SIZE } from "@tinybms/ota-core";
import { connectAsync } from "mqtt";
import { TOPIC } from "./fleet-processes.ts";
import { cpuSecondsOf } from "./process-cost.ts";

const SUBSCRIBERS = fileURLToPath(new URL("fan-out-subscribers.ts", import.meta.url));

/** Name of an image in topics and messages. */
const IMAGE = "0123456789abcdef0123456789abcdef";

/** Result of {@link plainFanOut}. */
export interface FanOut {
  /** From the first message to the last byte of the last subscriber. */
  readonly wallS: number;
  /** CPU of the subscribers meanwhile. */
  readonly cpuS: number;
}

/**
 * Publishes the chunk messages of an image with mqtt.js at QoS 1, as fast as the broker takes them, to subscribers that only
 * count bytes: what a delivery costs without a simulator, without a protocol and without flash.
 *
 * @param subscribers - Their number. They are one process.
 */
export async function plainFanOut(url: string, subscribers: number, image: Uint8Array): Promise<FanOut> {
  const messages = Array.from({ length: Math.ceil(image.length / CHUNK_SIZE) }, (_, index) => {
    const bytes = image.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
    return Buffer.from(buildChunk({ image: IMAGE, index, bytes }));
  });
  const topic = `${TOPIC}/v1/image/${IMAGE}/chunk`;
  const bytes = messages.reduce((sum, { length }) => sum + length, 0);
  const argv = ["--conditions=@tinybms/source", SUBSCRIBERS, url, topic, String(subscribers), String(bytes)];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const client = await connectAsync(url);
  try {
    await expectLine(lines, "ready");
    const [startedAt, cpuBefore] = [performance.now(), cpuSecondsOf(child.pid)];
    const isDone = expectLine(lines, "done");
    await Promise.all([isDone, ...messages.map((message) => client.publishAsync(topic, message, { qos: 1 }))]);
    return { wallS: (performance.now() - startedAt) / 1_000, cpuS: cpuSecondsOf(child.pid) - cpuBefore };
  } finally {
    await client.endAsync();
    child.kill("SIGKILL");
    await closed;
  }
}

async function expectLine(lines: AsyncIterator<string>, expected: string): Promise<void> {
  const { value } = await lines.next();
  if (value !== expected) throw new Error(`the subscribers ended before they were ${expected}`);
}
