import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createBench } from "@tinybms/firmware-sim/testkit";
import { deployRelease } from "@tinybms/ota-publisher";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine, imageOf, VERSION } from "../packages/ota-publisher/test/deploy-line.ts";

const [PRODUCT, TOPIC] = ["gateway", "bench/ota"];
const MQTT = { topic: TOPIC, rate: 0 };

let line: DeployLine;
let manifest: string;

beforeEach(() => {
  line = createDeployLine({ mqtt: MQTT }, ["mqtt"], [{ name: "gateway", bytes: imageOf("gateway", 200_000) }]);
  manifest = join(line.folder, "manifest.json");
});

afterEach(() => line.remove());

/** Devices on which the release line's product runs. */
const startBench = (faults: readonly string[] = []) =>
  createBench({
    devices: ["bench-1", "bench-2"],
    app: imageOf("gateway", 16_384),
    product: PRODUCT,
    topic: TOPIC,
    faults,
  });

test("deployRelease delivers to the named device alone, and returns what deploy --json prints", async () => {
  await using bench = await startBench();
  const states: (string | undefined)[] = [];
  const result = await deployRelease({
    ...{ manifest, version: VERSION, broker: bench.broker, devices: ["bench-1"] },
    onProgress: ({ artifact, transport, device }) => states.push(`${artifact} ${transport} ${device?.state}`),
  });
  const { deliveries, ...rest } = result;
  // What held the delivery back differs from run to run, and may be nothing.
  const [{ limitedBy, ...delivery } = { limitedBy: undefined }] = deliveries;
  expect([undefined, "rate", "broker", "devices"]).toContain(limitedBy);
  expect({ ...rest, deliveries: [delivery] }).toEqual({
    version: VERSION,
    dryRun: false,
    warnings: [],
    deliveries: [
      {
        ...{ artifact: "gateway", transport: "mqtt", mode: "chunked", target: { devices: ["bench-1"] } },
        ...{
          broker: bench.broker,
          topic: TOPIC,
          qos: 1,
          size: 200_000,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        ...{ bytesSent: expect.any(Number), chunksSent: 49, durationMs: expect.any(Number), outcome: "delivered" },
        devices: [
          {
            ...{ device: "bench-1", state: "confirmed", version: VERSION, slot: expect.any(String) },
            releases: [VERSION],
            endedAfterMs: expect.any(Number),
          },
        ],
      },
    ],
  });
  expect(states).toContain("gateway mqtt downloading");
  expect(states.at(-1)).toBe("gateway mqtt confirmed");
  expect(bench.devices[1]?.device.state).toBe("idle");
});

test("deployRelease returns a delivery that failed, with the error of deploy --json", async () => {
  await using bench = await startBench();
  const { deliveries, error } = await deployRelease({
    ...{ manifest, version: VERSION, broker: bench.broker, devices: ["absent"], timeoutSeconds: 0.5 },
  });
  expect(deliveries).toMatchObject([{ outcome: "failed", devices: [{ device: "absent", state: null }] }]);
  expect(error).toMatchObject({ code: "delivery/no-device" });
  expect(deliveries[0]?.error?.code).toBe("delivery/no-device");
});

test("deployRelease ends when its signal is aborted, and says so in the result", async () => {
  await using bench = await startBench();
  const interrupt = new AbortController();
  const { deliveries, error } = await deployRelease({
    ...{ manifest, version: VERSION, broker: bench.broker, devices: ["bench-1"], signal: interrupt.signal },
    onProgress: ({ device }) => {
      if (device?.state === "downloading") interrupt.abort();
    },
  });
  expect(error).toMatchObject({ code: "delivery/interrupted" });
  expect(deliveries).toMatchObject([{ outcome: "failed", error: { code: "delivery/interrupted" } }]);
});

test.for([
  [{ version: "9.9.9" }, "manifest/unknown-version"],
  [{ devices: ["no name"] }, "arguments/invalid"],
  [{ transports: ["pigeon"] }, "arguments/invalid"],
  [{ timeoutSeconds: 0 }, "arguments/invalid"],
  [{ timeoutSeconds: Number.NaN }, "arguments/invalid"],
  [{ expect: 1.5 }, "arguments/invalid"],
  [{ broker: "mqtt://ops:s3cr3t@broker.example" }, "arguments/insecure"],
  [{ manifest: "/nowhere/manifest.json" }, "manifest/not-found"],
] as const)("deployRelease throws for %j before anything is sent: %s", async ([wrong, code]) => {
  const error: unknown = await deployRelease({
    ...{ manifest, version: VERSION, broker: "mqtt://127.0.0.1:1", ...wrong },
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(JSON.stringify(error)).not.toContain("s3cr3t");
});

test("deployRelease shows no credential in its result", async () => {
  const broker = "mqtt://ops:s3cr3t-w0rd@127.0.0.1:1";
  const result = await deployRelease({ manifest, version: VERSION, broker, timeoutSeconds: 0.2 });
  expect(result.error).toMatchObject({ code: "delivery/broker-unreachable" });
  expect(JSON.stringify(result)).not.toContain("s3cr3t");
});

test("deployRelease checks everything and sends nothing in a dry run", async () => {
  const result = await deployRelease({ manifest, version: VERSION, broker: "mqtt://127.0.0.1:1", dryRun: true });
  expect(result).toMatchObject({ dryRun: true, deliveries: [{ outcome: "planned", target: "all", bytesSent: 0 }] });
});

test("examples/power-cut.test.ts stands in the README of both packages", () => {
  const example = readFileSync(new URL("../examples/power-cut.test.ts", import.meta.url), "utf8");
  for (const page of ["../packages/ota-publisher/README.md", "../firmware-sim/README.md"]) {
    expect(readFileSync(new URL(page, import.meta.url), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``);
  }
});
