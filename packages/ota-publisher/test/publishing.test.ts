import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { afterEach, expect, test } from "vitest";
import { parseBrokerUrl } from "../src/mqtt/broker-url.ts";
import { connectBroker } from "../src/mqtt/connection.ts";
import { startLossyProxy } from "./lossy-proxy.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "./mosquitto-broker.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";

const OPTIONS = { clientId: "publishing", connectTimeoutMs: 60_000 };
const PAYLOAD = new TextEncoder().encode("what is to be kept");

let ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

test.skipIf(isAbsent)(`MQTT 5.0 gets a new message in place of a repeated one${WHY}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-publishing-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }), killMosquittos);
  const broker = await startMosquitto(folder);
  const proxy = await startLossyProxy(broker.port, (number) => number === 1);
  // Only such a connection speaks MQTT 5.0 in any case.
  const connection = await connectBroker(parseBrokerUrl(proxy.url), { ...OPTIONS, forBlob: true });
  ends.push(
    () => proxy.close(),
    () => connection.close(),
  );
  expect(await connection.publish("kept", PAYLOAD, { qos: 1, retain: true })).toBe("acknowledged");
  expect([proxy.lost, proxy.repeated]).toEqual([1, 0]);
});

test("gives up an unacknowledged chunk when a later one is acknowledged", async () => {
  const broker = await startEmbeddedBroker();
  const proxy = await startLossyProxy(broker.port, (number) => number <= 2);
  const connection = await connectBroker(parseBrokerUrl(proxy.url), OPTIONS);
  ends.push(
    () => broker.close(),
    () => proxy.close(),
    () => connection.close(),
  );
  const chunks = [1, 2, 3].map(() => connection.publish("chunk", PAYLOAD, { qos: 1, retain: false }));
  expect(await Promise.all(chunks)).toEqual(["silent", "silent", "acknowledged"]);
});

test("gives up unacknowledged messages at once when a connection is closed", async () => {
  const broker = await startEmbeddedBroker();
  const proxy = await startLossyProxy(broker.port, () => true);
  const connection = await connectBroker(parseBrokerUrl(proxy.url), OPTIONS);
  ends.push(
    () => broker.close(),
    () => proxy.close(),
  );
  const publishes = [true, false].map((retain) => connection.publish("any", PAYLOAD, { qos: 1, retain }));
  await connection.close();
  expect(await Promise.all(publishes)).toEqual(["silent", "silent"]);
  expect(await connection.publish("any", PAYLOAD, { qos: 1, retain: true })).toBe("lost");
});
