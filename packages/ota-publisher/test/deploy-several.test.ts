import { once } from "node:events";
import { createServer } from "node:http";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { connectAsync } from "mqtt";
import { expect, test } from "vitest";
import { createDeployLine, imageOf } from "./deploy-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";

const TOPIC = "bench/ota";
const GATEWAY = { name: "gateway", bytes: imageOf("gateway") };
const PANEL = { name: "panel", bytes: imageOf("panel", 50_000) };

test("delivers every artifact by every transport in order, continues after a failure, and exits with 1", async () => {
  const broker = await startEmbeddedBroker();
  const server = await startServer();
  const channels = {
    mqtt: { broker: broker.url, topic: TOPIC, mode: "blob" },
    https: { url: `${server.url}/gateway` },
  };
  const line = createDeployLine(
    channels,
    ["mqtt", "https"],
    [
      { ...GATEWAY, members: { channels: { mqtt: { broker: "mqtt://127.0.0.1:1" } } } },
      { ...PANEL, members: { protocols: ["https", "mqtt"] } },
    ],
  );
  const { exitCode, stdout, stderr } = await line.deploy(["--json", "--timeout", "1"]);
  await broker.close();
  await server.close();
  line.remove();
  expect(exitCode).toBe(1);
  const { deliveries, error } = JSON.parse(stdout);
  expect(deliveries).toMatchObject([
    {
      ...{ artifact: "gateway", transport: "mqtt", mode: "blob", outcome: "failed", bytesSent: 0 },
      error: { code: "delivery/broker-unreachable", details: { host: "127.0.0.1", port: 1 } },
    },
    { artifact: "gateway", transport: "https", mode: "body", target: `${server.url}/gateway`, outcome: "delivered" },
    { artifact: "panel", transport: "https", outcome: "delivered", bytesSent: PANEL.bytes.length },
    { artifact: "panel", transport: "mqtt", mode: "blob", outcome: "delivered", bytesSent: PANEL.bytes.length },
  ]);
  expect(error).toEqual(deliveries[0].error);
  expect(server.bodies.map(({ length }) => length)).toEqual([GATEWAY.bytes.length, PANEL.bytes.length]);
  expect(stderr).toContain("gateway by mqtt (blob) (1 of 4)");
  expect(stderr).toContain("1 of 4 deliveries failed: gateway by mqtt (blob)");
});

test("for people, each delivery says how it went", async () => {
  const broker = await startEmbeddedBroker();
  const channels = { mqtt: { broker: broker.url, topic: TOPIC, rate: 0 } };
  const line = createDeployLine(
    channels,
    ["mqtt"],
    [GATEWAY, { ...PANEL, members: { channels: { mqtt: { topic: "bench/panel" } } } }],
  );
  const devices = await Promise.all([
    startScriptedDevice(broker.url, { device: "gateway-1", topicRoot: TOPIC }),
    startScriptedDevice(broker.url, { device: "panel-1", topicRoot: "bench/panel" }),
  ]);
  const { exitCode, stdout } = await line.deploy(["--expect", "1", "--timeout", "20"]);
  for (const device of devices) await device.close();
  await broker.close();
  line.remove();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^gateway: delivered in \d+\.\d s, 10 chunks sent(; limited by the \w+.*)?$/m);
  expect(stdout).toMatch(/^panel: delivered in \d+\.\d s, 13 chunks sent(; limited by the \w+.*)?$/m);
  expect(devices.map(({ image }) => image?.length)).toEqual([GATEWAY.bytes.length, PANEL.bytes.length]);
});

test("--transport overrides the protocols, in the given order, each once", async () => {
  const channels = { mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC }, https: { url: "https://127.0.0.1:1/" } };
  const line = createDeployLine(channels, ["mqtt"]);
  const transports = ["https", "mqtt", "https"].flatMap((name) => ["--transport", name]);
  const { exitCode, stdout } = await line.deploy([...transports, "--dry-run", "--json"]);
  line.remove();
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries.map(({ transport }: { transport: string }) => transport)).toEqual([
    "https",
    "mqtt",
  ]);
});

test.for([
  [
    "nobody asked for https, and it has no channel",
    undefined,
    0,
    "gateway is not delivered by https: the manifest has no such channel",
  ],
  ["https was asked for", ["mqtt", "https"], 2, "channel https of artifact gateway: there is none"],
  ["nobody knows the protocol", ["mqtt", "pigeon"], 0, "gateway is not delivered by pigeon"],
  ["serial was not asked for by name", ["mqtt", "serial"], 0, "--transport serial flashes boards on a cable"],
  ["nothing else is left", ["pigeon"], 2, "no artifact of version 1.2.3 can be delivered"],
] as const)("a plan says so if %s", async ([, protocols, code, text]) => {
  const line = createDeployLine({ mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC } }, protocols);
  const { exitCode, stderr } = await line.deploy(["--dry-run"]);
  line.remove();
  expect(stderr).toContain(text);
  expect(exitCode).toBe(code);
});

test("refuses --device if a transport can't address devices", async () => {
  const channels = { mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC }, https: { url: "https://127.0.0.1:1/" } };
  const line = createDeployLine(channels, ["mqtt", "https"]);
  const both = await line.deploy(["--device", "bench-1", "--dry-run"]);
  const one = await line.deploy(["--device", "bench-1", "--dry-run", "--transport", "mqtt"]);
  line.remove();
  expect(both.exitCode).toBe(2);
  expect(both.stderr).toContain("error[arguments/invalid]: --device has no effect: a delivery by https");
  expect(one.exitCode).toBe(0);
});

test("Ctrl-C ends the current delivery and starts no other", async () => {
  const broker = await startEmbeddedBroker();
  const line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC } }, ["mqtt"], [GATEWAY, PANEL]);
  const interrupt = new AbortController();
  const onStderr = (text: string): void => {
    if (text.includes("offered; waiting")) interrupt.abort();
  };
  const { exitCode, stdout, stderr } = await line.deploy(["--json"], { signal: interrupt.signal, onStderr });
  await broker.close();
  line.remove();
  expect(exitCode).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [
      { artifact: "gateway", outcome: "failed", error: { code: "delivery/interrupted" } },
      { artifact: "panel", outcome: "planned" },
    ],
    error: { code: "delivery/interrupted" },
  });
  expect(stderr).toContain("panel by mqtt (not started)");
  expect(stderr.match(/error\[/g)).toHaveLength(1);
});

test("two publishers of one artifact do not disconnect each other", async () => {
  const broker = await startEmbeddedBroker();
  const line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC } }, ["mqtt"]);
  const watcher = await connectAsync(broker.url);
  const runs = [1, 2].map(() => line.deploy(["--timeout", "2", "--wait", "confirmed"]));
  const results = await Promise.all(runs);
  await watcher.endAsync();
  await broker.close();
  line.remove();
  for (const { exitCode, stderr } of results) {
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/error\[delivery\/(?:no-device|superseded)\]/);
    expect(stderr).not.toContain("was lost");
  }
});

async function startServer() {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      bodies.push(Buffer.concat(pieces));
      response.writeHead(201).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    bodies,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
