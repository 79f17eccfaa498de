import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createDeployLine, imageOf } from "./deploy-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";
import { startWebSocketBridge, type WebSocketBridge } from "./websocket-bridge.ts";

const TOPIC = "bench/ota";
const IMAGE = imageOf("gateway", 600_000);
const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install openssl`)" : "";

let broker: EmbeddedBroker;
let folder: string;
const bridges: Partial<Record<"ws" | "wss", WebSocketBridge>> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-ws-"));
  broker = await startEmbeddedBroker();
  bridges.ws = await startWebSocketBridge(broker.port);
  if (isAbsent) return;
  bridges.wss = await startWebSocketBridge(broker.port, createAuthority(folder).sign("server", "IP:127.0.0.1"));
});

afterAll(async () => {
  for (const bridge of Object.values(bridges)) await bridge.close();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(isAbsent).for([
  ["ws", "blob"],
  ["ws", "chunked"],
  ["wss", "blob"],
  ["wss", "chunked"],
] as const)(`%s:// carries mode %s${WHY}`, async ([protocol, mode]) => {
  const url = `${protocol}://127.0.0.1:${bridges[protocol]!.port}/mqtt?tenant=bench`;
  const tls = protocol === "wss" ? { ca: join(folder, "ca.pem") } : {};
  const channels = { mqtt: { broker: url, topic: TOPIC, mode, rate: 0, ...tls } };
  const line = createDeployLine(channels, ["mqtt"], [{ name: "gateway", bytes: IMAGE }]);
  const reader = await connectAsync(broker.url);
  const message = new Promise<Uint8Array>((resolve) => reader.once("message", (_topic, payload) => resolve(payload)));
  await reader.subscribeAsync(TOPIC, { qos: 1 });
  const login = protocol === "wss" ? { ca: readFileSync(join(folder, "ca.pem")) } : {};
  const device = await startScriptedDevice(url, { device: `bench-${protocol}`, topicRoot: TOPIC, login });
  const args = mode === "blob" ? [] : ["--device", `bench-${protocol}`];
  const { exitCode, stderr } = await line.deploy([...args, "--timeout", "20"]);
  expect(stderr).not.toContain("error");
  expect(exitCode).toBe(0);
  if (mode === "blob") expect(Buffer.compare(await message, IMAGE)).toBe(0);
  else expect(device.image).toEqual(IMAGE);
  await device.close();
  await reader.endAsync();
  line.remove();
});

test.skipIf(isAbsent)(`reports a certificate of an unknown authority with wss://${WHY}`, async () => {
  const url = `wss://127.0.0.1:${bridges.wss!.port}/mqtt`;
  const line = createDeployLine({ mqtt: { broker: url, topic: TOPIC } }, ["mqtt"]);
  const { exitCode, stderr } = await line.deploy(["--timeout", "20"]);
  line.remove();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`error[delivery/broker-unreachable]: the broker wss://127.0.0.1:${bridges.wss!.port}`);
  expect(stderr).toContain("`ca` of the mqtt channel");
});
