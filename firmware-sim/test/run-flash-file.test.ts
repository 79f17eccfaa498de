// tinybms-sim run --flash FILE: the process is the power supply, and kill -9 takes it away.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contentsOfFlash } from "../src/device/flash-dump.ts";
import { createHardware, type DeviceLogEntry, type DeviceSummary, publishImage, runBootloader } from "../src/index.ts";
import { type EmbeddedBroker, startEmbeddedBroker } from "../src/testkit/index.ts";
import { publishOver } from "./mqtt-publisher.ts";

const TOPIC = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const SIM = fileURLToPath(new URL("../src/bin/tinybms-sim.ts", import.meta.url));
const IMAGE_SIZE = 1 << 20;
/** Of ota_1 in the table that devices have without another. */
const SLOT_OFFSET = 0x1d0000;

let folder: string;
let file: string;
let broker: EmbeddedBroker;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-run-flash-"));
  file = join(folder, "device.bin");
  broker = await startEmbeddedBroker({});
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

function run(
  ...more: readonly string[]
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const args = ["run", "--broker", broker.url, "--flash", file, "--verbose", ...more];
  const child = spawn(process.execPath, ["--conditions=@tinybms/source", SIM, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Runs until something is so, then kills the process. */
async function runUntil(
  untilMoment: (lines: NodeJS.ReadableStream) => Promise<void>,
  ...more: readonly string[]
): Promise<void> {
  const child = run(...more);
  const ended = once(child, "exit");
  await untilMoment(child.stderr);
  child.kill("SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);
}

/** Until so much of the image, 0 to 1, stands in the slot. */
const stored = (part: number) => async () => {
  const offset = SLOT_OFFSET + Math.floor((part * IMAGE_SIZE) / 4096) * 4096;
  while ((await byteInFile(offset)) === 0xff) await wait(1);
};

/** Until something happens to the device. */
const logged = (isMoment: (entry: DeviceLogEntry) => boolean) => async (lines: NodeJS.ReadableStream) => {
  for await (const line of createInterface(lines)) {
    if (line.startsWith("{") && isMoment(JSON.parse(line))) return;
  }
};

async function byteInFile(offset: number): Promise<number> {
  const byte = Uint8Array.of(0xff);
  const handle = await open(file, "r").catch(() => undefined); // before the first run there is none
  await handle?.read(byte, 0, 1, offset);
  await handle?.close();
  return byte[0] ?? 0xff;
}

async function runToTheEnd(): Promise<DeviceSummary> {
  const child = run("--until", "settled", "--timeout", "20", "--json");
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [device] = JSON.parse(out || `{"error":${JSON.stringify(err)}}`).devices ?? [];
  expect(device, out + err).toBeDefined();
  return device;
}

/** Which version a device with this flash would start now. */
async function versionInFile(): Promise<string> {
  const bytes = Uint8Array.from(await readFile(file));
  const outcome = runBootloader(createHardware(contentsOfFlash(file, bytes, undefined)));
  if (outcome.kind !== "boots") throw new Error(`the flash doesn't boot: ${outcome.reason}`);
  return outcome.image.descriptor?.version ?? "?";
}

const inState = (state: string) => (entry: DeviceLogEntry) => entry.type === "state" && entry.state === state;
const starts = (version: string) => (entry: DeviceLogEntry) => entry.type === "booted" && entry.version === version;

test("confirms an update although the process is killed repeatedly, and stays confirmed", async () => {
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: IMAGE_SIZE, seed: 2 });
  const stop = await publishOver(broker.url, TOPIC, publishImage({ image, topicRoot: TOPIC, product: PRODUCT }));
  for (const part of [0.1, 0.35, 0.6]) {
    await runUntil(stored(part));
    expect(await versionInFile()).toBe("1.0.0");
  }
  await runUntil(logged(inState("ready-to-reboot")));
  expect(["1.0.0", "2.0.0"]).toContain(await versionInFile()); // 1.0.0 where the new image had started, unconfirmed

  const device = await runToTheEnd();
  expect(device).toMatchObject({ state: "confirmed", version: "2.0.0", slot: "ota_1" });
  expect(device.flash.bytes, "the runs before stored it").toBeLessThan(IMAGE_SIZE / 4);

  await runUntil(logged(starts("2.0.0")));
  expect(await runToTheEnd()).toMatchObject({ state: "confirmed", version: "2.0.0", slot: "ota_1" });
  await stop();
});

test("rolls back if it is killed before it confirms its image, and then updates again", async () => {
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: 65_536, seed: 2 });
  const stop = await publishOver(broker.url, TOPIC, publishImage({ image, topicRoot: TOPIC, product: PRODUCT }));
  // A self-test that doesn't end, so that the kill comes before the confirmation, however late it is.
  await runUntil(logged(inState("pending-verify")), "--fault", "*:self-test=hang");
  expect(await versionInFile()).toBe("1.0.0");
  expect(await runToTheEnd()).toMatchObject({ state: "confirmed", version: "2.0.0" });
  await stop();
});
