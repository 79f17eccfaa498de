import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { connectAsync, type IClientOptions } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Certificate, createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createDeployLine, type DeployLine, imageOf } from "./deploy-line.ts";
import { hasMosquitto, killMosquittos, type Mosquitto, startMosquitto, writePasswords } from "./mosquitto-broker.ts";
import { startScriptedDevice } from "./scripted-device.ts";

const isAbsent = !hasMosquitto() || !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto openssl`)" : "";

const TOPIC = "bench/ota";
const PASSWORD = "pl4nted-p4ssword";
const IMAGE = imageOf("gateway", 300_000);

let folder: string;
let ca: string;
let client: Certificate;
/** Takes TLS alone, from clients with a certificate of our authority that know the password. */
let broker: Mosquitto;
let login: Pick<IClientOptions, "ca" | "cert" | "key" | "username" | "password">;

beforeAll(async () => {
  if (isAbsent) return;
  folder = mkdtempSync(join(tmpdir(), "tinybms-tls-"));
  const authority = createAuthority(folder);
  ca = authority.cert;
  const server = authority.sign("server", "DNS:localhost,IP:127.0.0.1");
  client = authority.sign("client", "DNS:publisher");
  const passwords = writePasswords(folder, "ops", PASSWORD);
  broker = await startMosquitto(folder, [
    ...["allow_anonymous false", `password_file ${passwords}`],
    ...[`cafile ${ca}`, `certfile ${server.cert}`, `keyfile ${server.key}`, "require_certificate true"],
  ]);
  const [caPem, cert, key] = [ca, client.cert, client.key].map((file) => readFileSync(file));
  login = { ca: caPem!, cert: cert!, key: key!, username: "ops", password: PASSWORD };
});

afterAll(async () => {
  if (isAbsent) return;
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

/** A line whose channel has these members beside broker, topic and credentials; `undefined` takes one away. */
function lineOf(members: Readonly<Record<string, unknown>> = {}): DeployLine {
  const mqtt = {
    ...{ broker: `mqtts://127.0.0.1:${broker.port}`, topic: TOPIC, rate: 0 },
    ...{ username: "ops", password: "$OTA_PASSWORD", ca, cert: client.cert, key: client.key },
    ...members,
  };
  return createDeployLine({ mqtt }, ["mqtt"], [{ name: "gateway", bytes: IMAGE }]);
}

const env = { OTA_PASSWORD: PASSWORD };

test.skipIf(isAbsent)(`blob mode through TLS, with password and client certificate${WHY}`, async () => {
  const line = lineOf({ mode: "blob", retain: true, qos: 2 });
  const reader = await connectAsync(`mqtts://127.0.0.1:${broker.port}`, { ...login });
  const message = new Promise<Uint8Array>((resolve) => reader.once("message", (_topic, payload) => resolve(payload)));
  await reader.subscribeAsync(TOPIC, { qos: 1 });
  const { exitCode, stdout, stderr } = await line.deploy(["--json", "--verbose", "--timeout", "3600"], { env });
  expect(stderr).toContain("gateway: 100%");
  expect(exitCode).toBe(0);
  expect(Buffer.compare(await message, IMAGE)).toBe(0);
  await reader.publishAsync(TOPIC, "", { retain: true, qos: 1 });
  await reader.endAsync();
  line.remove();
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [{ mode: "blob", outcome: "delivered", broker: `mqtts://127.0.0.1:${broker.port}`, qos: 2 }],
  });
  expect(stdout + stderr).not.toContain(PASSWORD);
});

test.skipIf(isAbsent)(`says so if the broker reports no subscriber${WHY}`, async () => {
  const line = lineOf({ mode: "blob", topic: "bench/nobody" });
  const { exitCode, stdout, stderr } = await line.deploy(["--json", "--timeout", "20"], { env });
  line.remove();
  expect(exitCode).toBe(0);
  expect(stderr).toContain("but nobody is subscribed to bench/nobody");
  expect(JSON.parse(stdout).deliveries[0].notes).toHaveLength(1);
});

test.skipIf(isAbsent)(`chunks go through TLS too; files are found from the manifest's folder${WHY}`, async () => {
  // A line's folder lies beside that of the certificates.
  const beside = (file: string): string => join("..", relative(tmpdir(), file));
  const line = lineOf({ ca: beside(ca), cert: beside(client.cert), key: beside(client.key) });
  const device = await startScriptedDevice(`mqtts://127.0.0.1:${broker.port}`, {
    ...{ device: "bench-1", topicRoot: TOPIC },
    login,
  });
  const args = ["--json", "--expect", "1", "--timeout", "20"];
  const { exitCode, stdout, stderr } = await line.deploy(args, { env });
  await device.close();
  line.remove();
  expect(stderr).toContain("bench-1: confirmed");
  expect(exitCode).toBe(0);
  expect(device.image).toEqual(IMAGE);
  expect(JSON.parse(stdout).deliveries[0]).toMatchObject({ mode: "chunked", outcome: "delivered" });
});

test.skipIf(isAbsent).for([
  ["a wrong password", {}, { OTA_PASSWORD: "wr0ng-s3cret" }, "broker-refused", "not authorized"],
  ["no password", { username: undefined, password: undefined }, {}, "broker-refused", "not authorized"],
  ["no client certificate", { cert: undefined, key: undefined }, env, "broker-unreachable", "client certificate"],
  ["an authority that the broker's certificate is not of", { ca: undefined }, env, "broker-unreachable", "`ca` of the"],
] as const)(
  `reports %s at once, with a hint and without a secret${WHY}`,
  async ([, members, variables, code, text]) => {
    for (const mode of ["blob", "chunked"]) {
      const line = lineOf({ mode, ...members });
      const { exitCode, stdout, stderr } = await line.deploy(["--json", "--verbose", "--timeout", "3600"], {
        env: variables,
      });
      line.remove();
      expect(stderr).toContain(`error[delivery/${code}]`);
      expect(stderr).toContain(text);
      expect(exitCode).toBe(1);
      expect(stdout + stderr).not.toMatch(/wr0ng-s3cret|pl4nted/);
    }
  },
);

test.skipIf(isAbsent)(
  `\`insecure\` with --allow-insecure skips the check of the broker's certificate, and says so${WHY}`,
  async () => {
    const line = lineOf({ ca: undefined, insecure: true, mode: "blob" });
    const { exitCode, stderr } = await line.deploy(["--timeout", "20", "--allow-insecure"], { env });
    line.remove();
    expect(stderr).toContain("insecure: true is set");
    expect(exitCode).toBe(0);
  },
);

test.skipIf(isAbsent).for([
  ["max_packet_size", "delivery/blob-too-large", "accepts at most 100000"],
  ["message_size_limit", "delivery/broker-refused", "a message of 300000 bytes"],
] as const)(`reports Mosquitto's %s as %s, and delivers chunks below it${WHY}`, async ([option, code, text]) => {
  const limited = await startMosquitto(folder, ["allow_anonymous true", `${option} 100000`]);
  const url = `mqtt://127.0.0.1:${limited.port}`;
  const line = createDeployLine({ mqtt: { topic: TOPIC, rate: 0 } }, ["mqtt"], [{ name: "gateway", bytes: IMAGE }]);
  const device = await startScriptedDevice(url, { device: "bench-1", topicRoot: TOPIC });
  const refused = await line.deploy(["--broker", url, "--mode", "blob", "--timeout", "20"]);
  const taken = await line.deploy(["--broker", url, "--expect", "1", "--timeout", "20"]);
  await device.close();
  await limited.kill();
  line.remove();
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(`error[${code}]`);
  expect(refused.stderr).toContain(text);
  expect(refused.stderr).toContain("chunked delivery has no such limit");
  expect(taken.exitCode).toBe(0);
});

test.skipIf(isAbsent)(`survives a kill and restart of Mosquitto between chunks${WHY}`, async () => {
  const first = await startMosquitto(folder);
  const url = `mqtt://127.0.0.1:${first.port}`;
  // About a second and a half for the whole image, so that the middle is in the middle.
  const line = createDeployLine(
    { mqtt: { topic: TOPIC, rate: 200_000 } },
    ["mqtt"],
    [{ name: "gateway", bytes: IMAGE }],
  );
  const device = await startScriptedDevice(url, { device: "bench-1", topicRoot: TOPIC });
  const watcher = await connectAsync(url, { reconnectPeriod: 0 });
  const started = new Promise<void>((resolve) => watcher.once("message", () => resolve()));
  await watcher.subscribeAsync(`${TOPIC}/v1/image/+/chunk`);
  const running = line.deploy(["--broker", url, "--expect", "1", "--timeout", "25", "--json"]);
  await started;
  watcher.on("error", () => {});
  await first.kill();
  const second = await startMosquitto(folder, undefined, first.port);
  const { exitCode, stdout, stderr } = await running;
  await device.close();
  await watcher.endAsync(true);
  await second.kill();
  line.remove();
  expect(stderr).toContain("was lost; trying again");
  expect(stderr).toContain("is restored");
  expect(exitCode).toBe(0);
  expect(device.image).toEqual(IMAGE);
  expect(JSON.parse(stdout).deliveries[0].outcome).toBe("delivered");
});
