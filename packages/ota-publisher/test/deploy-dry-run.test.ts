import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createDeployLine, type DeployLine, imageOf, VERSION } from "./deploy-line.ts";

const TOPIC = "bench/ota";
const MQTT = { broker: "mqtts://broker.example", topic: TOPIC, qos: 1 };
const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install openssl`)" : "";

let line: DeployLine | undefined;

afterEach(() => line?.remove());

const planOf = async (
  channels: object,
  {
    protocols = ["mqtt"],
    env = {},
    args = [],
  }: { protocols?: string[]; env?: Record<string, string>; args?: string[] } = {},
) => {
  line = createDeployLine(channels, protocols);
  return await line.deploy(["--dry-run", ...args], { env });
};

test("a plan names the proxy that HTTPS_PROXY sets, without its credentials, and none for NO_PROXY", async () => {
  const channels = { https: { url: "https://updates.example/f.bin" } };
  const env = { HTTPS_PROXY: "http://planted-user:planted-pass@proxy.example:3128" };
  const { exitCode, stdout, stderr } = await planOf(channels, { protocols: ["https"], env, args: ["--verbose"] });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/proxy +http:\/\/proxy\.example:3128/);
  expect(stdout + stderr).not.toContain("planted");
  line?.remove();
  const direct = await planOf(channels, { protocols: ["https"], env: { ...env, NO_PROXY: "example" } });
  expect(direct.stdout).not.toContain("proxy");
});

test("a plan names what goes where and how; nothing is written or sent", async () => {
  const { exitCode, stdout } = await planOf(
    {
      mqtt: { ...MQTT, username: "ops", password: "$PW" },
      https: { url: "https://u:$PW@updates.example/f.bin?t=$PW" },
    },
    { protocols: ["mqtt", "https"], env: { PW: "pl4nted" } },
  );
  expect(exitCode).toBe(0);
  const image = imageOf("gateway");
  const sha256 = createHash("sha256").update(image).digest("hex");
  for (const text of [
    `would deliver gateway ${VERSION} (${image.length} bytes) to every device of the product through mqtts://broker.example:8883, topic ${TOPIC}`,
    `would deliver gateway ${VERSION} (${image.length} bytes) to https://updates.example/f.bin`,
    `SHA-256  ${sha256}`,
    "QoS 1, 65536 bytes/s, until confirmed",
    "PUT, body",
  ]) {
    expect(stdout).toContain(text);
  }
  expect(stdout).not.toContain("pl4nted");
  expect(readdirSync(line!.folder).sort()).toEqual(["manifest.json", "versions"]);
});

test("no connection is made", async () => {
  let connections = 0;
  const server = createServer(() => connections++).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const channels = {
    mqtt: { broker: `mqtt://127.0.0.1:${port}`, topic: TOPIC },
    https: { url: `http://127.0.0.1:${port}/` },
  };
  expect((await planOf(channels, { protocols: ["mqtt", "https"] })).exitCode).toBe(0);
  server.close();
  expect(connections).toBe(0);
});

test.for(["--dry-run", "--timeout"])(
  "a damaged record of sequences is refused before anything is sent, with %s",
  async (option) => {
    line = createDeployLine({ mqtt: { ...MQTT, broker: "mqtt://127.0.0.1:1" } }, ["mqtt"]);
    const folder = join(line.folder, ".tinybms-ota");
    mkdirSync(folder);
    writeFileSync(join(folder, "sequence.json"), "{");
    const { exitCode, stdout } = await line.deploy(["--json", option, ...(option === "--timeout" ? ["60"] : [])]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: "manifest/unreadable" });
    expect(readFileSync(join(folder, "sequence.json"), "utf8")).toBe("{");
  },
);

test("the JSON plan says planned, once for each way", async () => {
  const { stdout } = await planOf(
    { mqtt: { ...MQTT, mode: "blob", retain: true }, https: { url: "https://updates.example/f.bin", method: "POST" } },
    { protocols: ["mqtt", "https"], args: ["--json"] },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    deliveries: [
      {
        transport: "mqtt",
        mode: "blob",
        broker: "mqtts://broker.example:8883",
        topic: TOPIC,
        retain: true,
        outcome: "planned",
      },
      { transport: "https", mode: "body", target: "https://updates.example/f.bin", method: "POST", outcome: "planned" },
    ],
  });
});

test("names every unset variable of a used channel, and none of an unused one", async () => {
  const channels = {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a manifest writes variables
    mqtt: { ...MQTT, username: "$OPS_NAME", password: "${OPS_PASSWORD}", client_id: "${CLIENT:-bench}" },
    https: { url: "https://$HOST/" },
  };
  const unset = await planOf(channels, { args: ["--json"] });
  expect(unset.exitCode).toBe(2);
  expect(JSON.parse(unset.stdout).error).toMatchObject({
    code: "manifest/variable-unset",
    details: { variables: ["OPS_NAME", "OPS_PASSWORD"] },
  });
  line?.remove();
  const env = { OPS_NAME: "ops", OPS_PASSWORD: "pl4nted" };
  expect((await planOf(channels, { env })).exitCode).toBe(0);
});

test("needs no variable that --broker replaces, and does not send it to another broker", async () => {
  const channels = {
    mqtt: { ...MQTT, broker: "mqtts://$HOST", password: "$PW", username: "$NAME", cert: "$CERT", key: "$KEY" },
  };
  const { exitCode, stdout } = await planOf(channels, { args: ["--broker", "mqtt://127.0.0.1:1"] });
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain("login");
});

test("warns of a credential in the manifest, but not of one from the environment", async () => {
  const literal = await planOf({ mqtt: { ...MQTT, username: "ops", password: "pl4nted" } });
  expect(literal.exitCode).toBe(0);
  expect(literal.stderr).toMatch(/^warning: channel mqtt\/password holds a password.*environment/m);
  expect(literal.stderr).not.toContain("pl4nted");
  line?.remove();
  const variable = await planOf({ mqtt: { ...MQTT, username: "ops", password: "$PW" } }, { env: { PW: "pl4nted" } });
  expect(variable.stderr).toBe("");
});

test("retain on chunks is a warning", async () => {
  const { exitCode, stderr } = await planOf({ mqtt: { ...MQTT, retain: true } });
  expect(stderr).toContain("warning: channel mqtt: retain has no effect on chunks");
  expect(exitCode).toBe(0);
});

const IN_CLEAR = { broker: "mqtt://broker.example", username: "u", password: "$PW" };
const SECRET_URL = "http://updates.example/x?token=$PW";

test.for([
  ["mqtt", "a password in the clear", IN_CLEAR, "sends a password unencrypted to broker.example"],
  ["mqtt", "a password in the clear to a local network", { ...IN_CLEAR, broker: "mqtt://10.0.0.7" }, "to 10.0.0.7"],
  ["mqtt", "one in the broker's URL", { broker: "ws://u:$PW@broker.example" }, "ws:// sends"],
  ["mqtt", "an unchecked certificate", { insecure: true }, "insecure: true is set"],
  [
    "https",
    "a header in the clear",
    { url: "http://updates.example/", headers: { "X-Token": "$PW" } },
    "header X-Token",
  ],
  ["https", "a token in the clear", { url: SECRET_URL }, "sends a token in its URL unencrypted"],
  ["https", "a login in the clear", { url: "http://u:$PW@192.168.4.1/" }, "http:// sends"],
  ["https", "an unchecked certificate", { url: "https://updates.example/", verify: false }, "verify: false is set"],
] as const)("%s: %s needs --allow-insecure, and then causes a warning", async ([channel, , members, text]) => {
  const channels = { [channel]: channel === "mqtt" ? { ...MQTT, ...members } : members };
  const env = { PW: "pl4nted" };
  const refused = await planOf(channels, { env, args: ["--transport", channel] });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toMatch(/^error\[arguments\/insecure\]: channel /);
  expect(refused.stderr).toContain(text);
  expect(refused.stderr).toMatch(/^hint: .*--allow-insecure/m);
  line?.remove();
  const allowed = await planOf(channels, { env, args: ["--transport", channel, "--allow-insecure"] });
  expect(allowed.exitCode, allowed.stderr).toBe(0);
  expect(allowed.stderr).toContain(`warning: channel ${channel}: `);
  expect(allowed.stderr).toContain(text);
  for (const { stdout, stderr } of [refused, allowed]) expect(stdout + stderr).not.toContain("pl4nted");
});

test.for(["mqtt://127.0.0.1", "mqtt://[::1]:1884", "mqtt://localhost"])(
  "a password to %s stays on this machine and needs no permission",
  async (broker) => {
    const { exitCode, stderr } = await planOf({ mqtt: { ...MQTT, ...IN_CLEAR, broker } }, { env: { PW: "pl4nted" } });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  },
);

test("a password on the command line's own URL needs --allow-insecure too", async () => {
  const args = ["--broker", "mqtt://u:pl4nted@broker.example", "--json"];
  const { exitCode, stdout, stderr } = await planOf({ mqtt: MQTT }, { args });
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "arguments/insecure",
    details: { channel: "mqtt", host: "broker.example" },
  });
  expect(stdout + stderr).not.toContain("pl4nted");
});

test.skipIf(isAbsent)(`TLS files are checked before anything is sent${WHY}`, async () => {
  line = createDeployLine({ mqtt: { ...MQTT, ca: "ca.pem", cert: "client.pem", key: "client.key" } }, ["mqtt"]);
  const authority = createAuthority(line.folder);
  const { folder, deploy } = line;
  const fault = async (text: string): Promise<void> => {
    const { exitCode, stderr } = await deploy(["--dry-run", "--verbose"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error\[manifest\/channel-invalid\]: .*channel mqtt of artifact gateway/);
    expect(stderr).toContain(text);
  };
  await fault("client.pem is not there");
  authority.sign("client", "DNS:client");
  expect((await deploy(["--dry-run"])).exitCode).toBe(0);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(folder, "client.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
  await fault("is not the key of");
  writeFileSync(join(folder, "client.key"), "-----BEGIN PRIVATE KEY-----\npl4nted\n-----END PRIVATE KEY-----\n");
  const { stderr } = await deploy(["--dry-run", "--verbose"]);
  expect(stderr).toContain("holds no private key");
  expect(stderr).not.toContain("pl4nted");
  authority.sign("client", "DNS:client");
  writeFileSync(join(folder, "ca.pem"), "no certificate");
  await fault("holds no certificate");
});

test.skipIf(isAbsent)(`TLS files of a connection that is not encrypted are a warning${WHY}`, async () => {
  line = createDeployLine({ mqtt: { ...MQTT, broker: "mqtt://127.0.0.1", ca: "ca.pem" } }, ["mqtt"]);
  createAuthority(line.folder);
  const { exitCode, stderr } = await line.deploy(["--dry-run"]);
  expect(stderr).toContain("warning: channel mqtt: ca unused: the broker's URL begins with mqtt://");
  expect(exitCode).toBe(0);
});

test("a certificate without its key is the manifest's fault", async () => {
  const { exitCode, stderr } = await planOf({ mqtt: { ...MQTT, cert: "client.pem" } });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("cert and key go together; key is missing");
});

test("reports a file that differs from the manifest before it tries a channel", async () => {
  line = createDeployLine({ mqtt: MQTT }, ["mqtt"]);
  const { size } = statSync(line.fileOf("gateway"));
  writeFileSync(line.fileOf("gateway"), new Uint8Array(size));
  const { exitCode, stderr } = await line.deploy(["--dry-run"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error[manifest/artifact-mismatch]");
  expect(stderr).toContain("SHA-256");
});
