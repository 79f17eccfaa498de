import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import { connectDevice, createDevice, startEmbeddedBroker, untilState } from "@tinybms/firmware-sim/testkit";
import { createSha256, sha256 } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { runCli } from "@tinybms/ota-publisher";
import { connectAsync } from "mqtt";
import { type BenchLine, compare } from "./bench-line.ts";

const IMAGE_SIZE = 1_286_096;
const MESSAGE_SIZE = 4_116;
const MESSAGE_COUNT = 314;
const ROUNDS = 7;
const TOPIC = "tinybms/gateway/ota";

/** The sides of a delivery, as this module runs them in a process of their own. */
const SIDES: Readonly<Record<string, () => Promise<number>>> = { ours: () => deliver(1), plain: () => sendPlain() };

/**
 * Delivering 1.28 MB to one simulated device through an embedded broker, from the first chunk on the wire to the last
 * one in flash, against plain mqtt.js sending as many messages of the same size at QoS 1 to one subscriber: each time in
 * a new process, as who types the command has it, and again and again in this one. The last line shows what of the ratio
 * is owed to hashing: its peer hashes as often as any publisher and device must.
 */
export async function benchDelivery(): Promise<readonly BenchLine[]> {
  const what = `deliver ${IMAGE_SIZE} bytes, against ${MESSAGE_COUNT} plain messages`;
  let seed = 0;
  return [
    await compare(what, 1.25, ROUNDS, { ours: () => inNewProcess("ours"), plain: () => inNewProcess("plain") }),
    await compare(`${what}, warm`, 1.6, ROUNDS, { ours: () => deliver(seed++), plain: () => sendPlain() }),
    await compare("the same, against messages hashed, kept and verified", 1.6, ROUNDS, {
      ours: () => deliver(seed++),
      plain: () => sendPlain(new Slot()),
    }),
  ];
}

async function inNewProcess(side: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, import.meta.filename, side]);
  return Number(stdout);
}

/** Milliseconds from the device's first request to the moment its slot holds the image. */
async function deliver(seed: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-bench-"));
  const broker = await startEmbeddedBroker({});
  const image = (version: string, value: number) =>
    buildAppImage({ chip: "esp32", version, projectName: "bench", sizeBytes: IMAGE_SIZE, seed: value });
  const times = { first: 0, last: 0 };
  const device = createDevice({ id: "bench-1", app: image("1.0.0", 1), topicRoot: TOPIC });
  const connection = connectDevice(device, broker.url, {
    onLog: (entry) => {
      if (entry.type !== "state") return;
      if (entry.state === "downloading") times.first = performance.now();
      if (entry.state === "ready-to-reboot") times.last = performance.now();
    },
  });
  try {
    await writeFile(join(folder, "app.bin"), image("1.1.0", seed + 2));
    const manifest = join(folder, "manifest.json");
    const channels = { mqtt: { broker: broker.url, topic: TOPIC, qos: 1, rate: 0 } };
    const product = { name: "TinyBMS Web Gateway", hardware: "esp32" };
    const line = { schema_version: 1, product, deployment: { channels, default_protocols: ["mqtt"] }, versions: [] };
    await writeFile(manifest, JSON.stringify(line));
    await command("package", "--manifest", manifest, "--binary", join(folder, "app.bin"), "--update-manifest");
    await command("deploy", "--manifest", manifest, "--version", "1.1.0", "--device", "bench-1", "--timeout", "60");
    await untilState(connection, "confirmed");
    return times.last - times.first;
  } finally {
    await connection.stop();
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function command(...argv: string[]): Promise<void> {
  const sink = () => new PassThrough().resume();
  const code = await runCli(argv, { stdout: sink(), stderr: sink(), env: {}, signal: new AbortController().signal });
  if (code !== 0) throw new Error(`tinybms-ota ${argv[0]} ended with ${code}`);
}

/** What must happen to the messages of an image besides their way: each is hashed at both ends, and the whole twice. */
class Slot {
  readonly #chunks: Uint8Array[] = [];

  /** The publisher compares a chunk with its hash list. */
  send(chunk: Uint8Array): void {
    sha256(chunk);
  }

  /** The device compares a chunk with its hash list, and writes it. After the last one, it verifies what it wrote. */
  take(chunk: Uint8Array): void {
    sha256(chunk);
    this.#chunks.push(new Uint8Array(chunk));
    if (this.#chunks.length < MESSAGE_COUNT) return;
    // The hash of the release, and the one that ESP-IDF computes before it sets the slot to boot.
    for (let pass = 0; pass < 2; pass++) {
      const hash = createSha256();
      for (const written of this.#chunks) hash.update(written);
      hash.digest();
    }
  }
}

/**
 * Milliseconds from the first publish to the last message at the subscriber.
 *
 * @param slot - What both ends do with each message besides. @defaultValue nothing
 */
async function sendPlain(slot?: Slot): Promise<number> {
  const broker = await startEmbeddedBroker({});
  const [publisher, subscriber] = [await connectAsync(broker.url), await connectAsync(broker.url)];
  try {
    await subscriber.subscribeAsync("plain", { qos: 1 });
    let received = 0;
    const all = new Promise<void>((resolve) => {
      subscriber.on("message", (_, payload) => {
        slot?.take(payload);
        received++;
        if (received === MESSAGE_COUNT) resolve();
      });
    });
    const start = performance.now();
    for (let message = 0; message < MESSAGE_COUNT; message++) {
      const payload = Buffer.alloc(MESSAGE_SIZE, message);
      slot?.send(payload);
      publisher.publish("plain", payload, { qos: 1 });
    }
    await all;
    return performance.now() - start;
  } finally {
    await Promise.all([publisher.endAsync(), subscriber.endAsync()]);
    await broker.close();
  }
}

if (import.meta.main) {
  const side = SIDES[process.argv[2] ?? ""];
  if (side === undefined) throw new Error(`the side is ${Object.keys(SIDES).join(" or ")}`);
  console.log(await side());
}
