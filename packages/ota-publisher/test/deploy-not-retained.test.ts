import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLossyProxy } from "./lossy-proxy.ts";
import { hasMosquitto, killMosquittos, type Mosquitto, startMosquitto } from "./mosquitto-broker.ts";
import type { CliRun } from "./release-line.ts";
import { createSignedLine, type SignedLine, succeed } from "./signed-line.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";

let folder: string;
let line: SignedLine;

/** A line whose second key set is to be published. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-acl-"));
  line = await createSignedLine();
  await succeed(
    ...["keys", "add", line.key("stranger.pub"), "--role", "offer", "--keys", line.keys],
    ...["--sign-key", line.key("root"), "--quiet"],
  );
  const args = ["package", "--binary", line.binary, "--update-manifest", "--sign-key", line.key("release")];
  expect((await line.run(args)).exitCode).toBe(0);
});

afterAll(async () => {
  await killMosquittos();
  line.remove();
  rmSync(folder, { recursive: true, force: true });
});

const run = (command: string, url: string, ...args: readonly string[]): Promise<CliRun> =>
  line.run([command, "--version", "1.2.3", "--broker", url, "--sign-key", line.key("offer"), "--json", ...args]);

/** A Mosquitto that allows clients without a user name these topics alone. */
async function brokerAllowing(
  name: string,
  rules: readonly string[],
  more: readonly string[] = [],
): Promise<Mosquitto> {
  const file = join(folder, `${name}.acl`);
  writeFileSync(file, [...rules.map((rule) => `topic ${rule}`), ...more, ""].join("\n"));
  return startMosquitto(folder, ["allow_anonymous true", `acl_file ${file}`]);
}

const DEVICES = "readwrite bench/ota/v1/device/+/#";
const HASHES = "readwrite bench/ota/v1/image/#";
const KEYS = "readwrite bench/ota/v1/keys/+";

test.skipIf(isAbsent).for([
  ["key sets", [DEVICES, HASHES, "readwrite bench/ota/v1/offer"], "v1/keys/2"],
  ["hash lists", [DEVICES, KEYS, "readwrite bench/ota/v1/offer"], "/hashes"],
  ["offers", [DEVICES, KEYS, HASHES, "read bench/ota/v1/offer"], "v1/offer"],
  ["offers, though it may write them", [DEVICES, KEYS, HASHES, "write bench/ota/v1/offer"], "v1/offer"],
] as const)(`reports that a publisher has no access to %s${WHY}`, async ([name, rules, topic]) => {
  const broker = await brokerAllowing(name.replaceAll(/\W/g, "-"), rules);
  const { exitCode, stdout, stderr } = await run("deploy", `mqtt://127.0.0.1:${broker.port}`);
  await broker.kill();
  expect(exitCode).toBe(1);
  const { error } = JSON.parse(stdout);
  // By MQTT 5.0 a broker says that it does not take a message; by 3.1.1 it drops it in silence.
  expect(error.code).toMatch(/^delivery\/(?:not-retained|broker-refused)$/);
  expect(error.message).toMatch(/does not return the message that was published on|refused: the message on/);
  expect(error.message).toContain(topic);
  expect(stderr).toContain("access control");
});

test.skipIf(isAbsent)(`reports a withdrawal that access control drops${WHY}`, async () => {
  const anonymous = [KEYS, HASHES, DEVICES, "read bench/ota/v1/offer"];
  const broker = await brokerAllowing("withdraw", anonymous, ["user ops", "topic readwrite #"]);
  const at = (user: string): string => `mqtt://${user}127.0.0.1:${broker.port}`;
  expect((await run("deploy", at("ops:any@"), "--wait", "none")).exitCode).toBe(0);
  const denied = await run("withdraw", at(""));
  await broker.kill();
  expect(denied.exitCode).toBe(1);
  const { error } = JSON.parse(denied.stdout);
  expect(error.code).toMatch(/^delivery\/(?:not-retained|broker-refused)$/);
  expect(error.message).toContain("bench/ota/v1/offer");
});

test("names a broker that retains no messages, in both modes of deploy", async () => {
  const broker = await startEmbeddedBroker();
  const proxy = await startLossyProxy(broker.port, () => false, false);
  for (const wait of ["none", "confirmed"]) {
    const { exitCode, stdout } = await run("deploy", proxy.url, "--wait", wait);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: "delivery/not-retained",
      details: { topics: ["bench/ota/v1/keys/2"] },
      message: expect.stringContaining("retained messages may be off"),
    });
  }
  await proxy.close();
  await broker.close();
});

test("reports a withdrawal that the broker does not retain", async () => {
  const broker = await startEmbeddedBroker();
  expect((await run("deploy", broker.url, "--wait", "none")).exitCode).toBe(0);
  const proxy = await startLossyProxy(broker.port, () => false, false);
  const { exitCode, stdout } = await run("withdraw", proxy.url);
  await proxy.close();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/not-retained",
    details: { topics: ["bench/ota/v1/offer"] },
  });
});

test("repeats a withdrawal whose acknowledgement is lost, and reports it if that does not help", async () => {
  const broker = await startEmbeddedBroker();
  expect((await run("deploy", broker.url, "--wait", "none")).exitCode).toBe(0);
  const proxy = await startLossyProxy(broker.port, () => true);
  const { exitCode, stdout } = await run("withdraw", proxy.url);
  expect(proxy.repeated).toBe(4);
  await proxy.close();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/not-acknowledged",
    details: { topics: ["bench/ota/v1/offer"] },
  });
});
