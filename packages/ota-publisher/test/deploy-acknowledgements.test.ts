import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine, imageOf } from "./deploy-line.ts";
import { type LossyProxy, startLossyProxy } from "./lossy-proxy.ts";
import { startScriptedDevice } from "./scripted-device.ts";

const TOPIC = "bench/ota";
/** More chunks than a window holds ten times over. */
const IMAGE = imageOf("gateway", 360 * 4_096);

let broker: EmbeddedBroker;
let line: DeployLine;
let proxy: LossyProxy | undefined;

beforeEach(async () => {
  broker = await startEmbeddedBroker();
  line = createDeployLine({ mqtt: { topic: TOPIC, rate: 0 } }, ["mqtt"], [{ name: "gateway", bytes: IMAGE }]);
});

afterEach(async () => {
  await proxy?.close();
  await broker.close();
  line.remove();
});

/** Deploys through a proxy that loses the acknowledgements with these numbers. */
async function deployLosing(loses: (number: number) => boolean, ...args: readonly string[]) {
  proxy = await startLossyProxy(broker.port, loses);
  return await line.deploy(["--broker", proxy.url, ...args]);
}

test.for([
  ["every tenth acknowledgement", 10],
  ["every second acknowledgement", 2],
] as const)("a delivery succeeds if %s is lost", async ([, every]) => {
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stderr } = await deployLosing((number) => number % every === 0, "--expect", "1", "--timeout", "60");
  await device.close();
  expect(stderr).toContain("bench-1: confirmed");
  expect(exitCode).toBe(0);
  expect(device.image).toEqual(IMAGE);
  expect(proxy?.lost).toBeGreaterThan(20);
});

test("a hash list whose acknowledgement is lost is sent again with the DUP flag", async () => {
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode } = await deployLosing((number) => number === 1, "--expect", "1", "--timeout", "60");
  await device.close();
  expect(exitCode).toBe(0);
  expect(proxy?.repeated).toBe(1);
});

test.for([
  ["repeated four times", "60", 4],
  ["until the time is up", "1", 0],
] as const)("names the topic if a broker acknowledges nothing, %s", async ([, timeout, repeated]) => {
  const { exitCode, stdout, stderr } = await deployLosing(() => true, "--timeout", timeout, "--json");
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [{ outcome: "failed" }],
    error: {
      code: "delivery/not-acknowledged",
      details: { topics: [expect.stringMatching(/^bench\/ota\/.*hashes$/)] },
    },
  });
  expect(stderr).toContain("did not acknowledge the message on bench/ota/v1/image/");
  expect(proxy?.repeated).toBe(repeated);
});
