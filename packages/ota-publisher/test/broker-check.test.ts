import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { connect } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BrokerCheck } from "../src/broker-check/check-broker.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "./mosquitto-broker.ts";
import { type CliRun, runCommand } from "./release-line.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";

/** Long enough for a busy machine; a broker that answers makes nobody wait for it. */
const PATIENT = ["--timeout", "120"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-broker-check-"));
});

afterAll(async () => {
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

async function check(url: string, ...args: readonly string[]): Promise<CliRun & { readonly check: BrokerCheck }> {
  const run = await runCommand(["broker-check", url, "--json", ...args]);
  return { ...run, check: JSON.parse(run.stdout) };
}

function failuresOf({ probes }: BrokerCheck): Record<string, string> {
  return Object.fromEntries(probes.filter(({ passed }) => !passed).map(({ name, found }) => [name, found]));
}

test("the embedded broker passes every probe", async () => {
  const broker = await startEmbeddedBroker({ port: 0 });
  const run = await check(broker.url, ...PATIENT);
  await broker.close();
  expect(failuresOf(run.check)).toEqual({});
  expect(run.exitCode).toBe(0);
  expect(run.check.probes).toHaveLength(7);
});

test.skipIf(isAbsent)(`a default Mosquitto passes every probe, and no message stays behind${WHY}`, async () => {
  const broker = await startMosquitto(folder);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const run = await check(url, ...PATIENT);
  const client = connect(url);
  const found: string[] = [];
  client.on("message", (topic) => found.push(topic));
  await client.subscribeAsync("tinybms/#");
  await client.publishAsync("tinybms/fence", "", { qos: 1 });
  await expect.poll(() => found).toContain("tinybms/fence");
  await client.endAsync();
  await broker.kill();
  expect(failuresOf(run.check)).toEqual({});
  expect(run.exitCode).toBe(0);
  expect(found).toEqual(["tinybms/fence"]);
});

test.skipIf(isAbsent).for([
  ["retained messages off", ["retain_available false"], { limits: "retains no messages" }],
  ["packets of 4096 bytes", ["max_packet_size 4096"], { limits: "at most 4096 bytes", burst: "closed the connection" }],
  ["QoS 0 alone", ["max_qos 0"], { limits: "only QoS 0" }],
  [
    "a queue of two messages",
    ["max_inflight_messages 1", "max_queued_messages 2"],
    { burst: /\d+ of 300 chunks arrived/ },
  ],
] as const)(`names %s${WHY}`, async ([, lines, expected]) => {
  const broker = await startMosquitto(folder, ["allow_anonymous true", ...lines]);
  const run = await check(`mqtt://127.0.0.1:${broker.port}`, "--timeout", "3");
  await broker.kill();
  expect(run.exitCode).toBe(1);
  const failures = failuresOf(run.check);
  for (const [name, found] of Object.entries(expected)) expect(failures[name]).toMatch(found);
  for (const { passed, advice } of run.check.probes) expect(advice !== undefined).toBe(!passed);
});

test.skipIf(isAbsent)(`names what access control denies a device${WHY}`, async () => {
  const acl = join(folder, "acl");
  const rules = ["user ops", "topic readwrite #", "user device", "topic read bench/ota/#"];
  writeFileSync(acl, [...rules, ""].join("\n"));
  const broker = await startMosquitto(folder, ["allow_anonymous true", `acl_file ${acl}`]);
  const at = (user: string): string => `mqtt://${user}@127.0.0.1:${broker.port}`;
  const args = ["--topic", "bench/ota", "--device-broker", at("device"), "--timeout", "3"];
  const run = await check(at("ops"), ...args);
  const forPeople = await runCommand(["broker-check", at("ops"), ...args]);
  await broker.kill();
  expect(failuresOf(run.check)).toMatchObject({
    requests: expect.stringMatching(/acknowledged/),
    will: "the broker does not publish the will",
  });
  expect(forPeople.exitCode).toBe(1);
  expect(forPeople.stdout).toContain("bench/ota/v1/device/{device}/request");
  expect(forPeople.stdout).toMatch(/retained +ok/);
});

test("reports an unreachable broker as deploy does", async () => {
  const { exitCode, check: document } = await check("mqtt://127.0.0.1:1", "--timeout", "1");
  expect(exitCode).toBe(1);
  expect(document).toMatchObject({ error: { code: "delivery/broker-unreachable" } });
});

test("unencrypted credentials need --allow-insecure, and are not repeated", async () => {
  const { exitCode, stdout, stderr } = await check("mqtt://ops:swordfish@broker.example");
  expect(exitCode).toBe(2);
  expect(stdout).toContain("arguments/insecure");
  expect(stdout + stderr).not.toContain("swordfish");
});
