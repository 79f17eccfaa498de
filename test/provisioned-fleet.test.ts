// provision → flash → run → deploy, over Mosquitto with the files that provision made: each device has a password of its
// own, and who uses another's is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { topicsOf } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildNvsPartition,
  type Provisioning,
  provisioningEntries,
  provisioningOfPartition,
} from "@tinybms/ota-core/esp";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../firmware-sim/src/cli.ts";
import { runCli } from "../packages/ota-publisher/src/cli/run-cli.ts";
import { createAuthority, hasOpenssl } from "../packages/ota-publisher/test/certificate-authority.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { freePort } from "./free-port.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: Mosquitto is not installed; `apt-get install mosquitto`)" : "";

const lacksOpenssl = isAbsent || !hasOpenssl();
const TLS_WHY = lacksOpenssl ? " (skipped: `apt-get install mosquitto openssl`)" : "";

const TOPIC = "0/bench/0/ota";
const DEVICES = ["bench-1", "bench-2", "bench-3", "spare-1"] as const;

let folder = "";
let url = "";
const at = (...names: string[]): string => join(folder, ...names);
const clients: MqttClient[] = [];

interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function collect(run: (stdout: PassThrough, stderr: PassThrough) => Promise<number>): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const exitCode = await run(stdout, stderr);
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { exitCode, out, err };
}
const { signal } = new AbortController();
const env = (): Record<string, string> => ({ PUBLISHER_PASSWORD: publisherPassword() });
const ota = (...args: readonly string[]) =>
  collect((stdout, stderr) => runCli([...args, "--json"], { stdout, stderr, env: env(), signal }));
const sim = (...args: readonly string[]) =>
  collect((stdout, stderr) => runSimCli([...args, "--json"], { stdout, stderr, env: {}, signal }));

function publisherPassword(): string {
  try {
    return readFileSync(at("fleet", "publisher.password"), "utf8").trimEnd();
  } catch {
    return "not made yet";
  }
}

async function done(running: Promise<Ended>): Promise<Record<string, never>> {
  const { exitCode, out, err } = await running;
  expect(exitCode, out + err).toBe(0);
  return JSON.parse(out);
}

const documentOf = (device: string): Provisioning =>
  provisioningOfPartition(Uint8Array.from(readFileSync(at("fleet", `${device}.bin`))));

async function client(username: string, password: string): Promise<MqttClient> {
  const connected = await connectAsync(url, { username, password, reconnectPeriod: 0 });
  clients.push(connected);
  return connected;
}

beforeAll(async () => {
  if (isAbsent) return;
  folder = mkdtempSync(join(tmpdir(), "tinybms-provisioned-fleet-"));
  const port = await freePort();
  url = `mqtt://127.0.0.1:${port}`;
  const image = (version: string, seed: number) =>
    buildAppImage({ version, projectName: "gateway", sizeBytes: 120_000, seed });
  writeFileSync(at("old.bin"), image("1.0.0", 1));
  writeFileSync(at("new.bin"), image("1.1.0", 2));
  const mqtt = { broker: url, topic: TOPIC, rate: 0, username: "publisher", password: "$PUBLISHER_PASSWORD" };
  const product = { name: "Bench Gateway", hardware: "esp32" };
  const deployment = { channels: { mqtt }, default_protocols: ["mqtt"] };
  writeFileSync(at("manifest.json"), JSON.stringify({ schema_version: 1, product, deployment, versions: [] }));
  writeFileSync(at("list.csv"), `device_id\n${DEVICES.join("\n")}\n`);
  await done(ota("keygen", "--out", at("key.pem")));
  const keys = ["--keys", at("keys"), "--sign-key", at("key.pem")];
  await done(ota("keys", "init", "--product", product.name, "--root", at("key.pem.pub"), ...keys));
  const provision = ["--devices", at("list.csv"), "--out-dir", at("fleet"), "--manifest", at("manifest.json")];
  await done(ota("provision", ...provision, "--broker-acl", "mosquitto"));
  const files = [`password_file ${at("fleet", "mosquitto.passwords")}`, `acl_file ${at("fleet", "mosquitto.acl")}`];
  await startMosquitto(folder, ["allow_anonymous false", ...files], port);
});

afterAll(async () => {
  for (const each of clients) await each.endAsync(true);
  await killMosquittos();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

test.skipIf(isAbsent)(
  `devices that were provisioned and flashed take a signed release, each under its own password${WHY}`,
  async () => {
    const wanted = DEVICES.slice(0, 3);
    const passwords = new Set(DEVICES.map((device) => documentOf(device).password));
    expect([passwords.size, [...passwords].some((password) => (password ?? "").length < 32)]).toEqual([4, false]);
    for (const device of wanted) {
      const nvs = ["--nvs", at("fleet", `${device}.bin`), "--app", at("old.bin")];
      await done(sim("flash", "--output", at(`${device}.flash`), ...nvs));
    }
    const manifest = ["--manifest", at("manifest.json")];
    const release = [...manifest, "--binary", at("new.bin"), "--update-manifest", "--sign-key", at("key.pem")];
    await done(ota("package", ...release));
    const ends = ["--until", "settled", "--timeout", "50"];
    const running = wanted.map((device, index) => {
      const agent = index === 0 ? "ts" : "c";
      return done(sim("run", "--flash", at(`${device}.flash`), "--agent", agent, ...ends));
    });
    const deploy = ["--version", "1.1.0", "--sign-key", at("key.pem"), "--expect", "3", "--timeout", "50"];
    const { deliveries } = await done(ota("deploy", ...manifest, ...deploy));
    expect(deliveries).toMatchObject([
      { outcome: "delivered", devices: wanted.map((device) => ({ device, state: "confirmed", version: "1.1.0" })) },
    ]);
    for (const [index, { devices }] of (await Promise.all(running)).entries()) {
      expect(devices).toMatchObject([{ device: wanted[index], state: "confirmed", version: "1.1.0" }]);
    }
  },
);

test.skipIf(isAbsent)(`a device with another's password is refused when it connects${WHY}`, async () => {
  const document = { ...documentOf("bench-1"), password: documentOf("bench-2").password! };
  writeFileSync(at("stolen.bin"), buildNvsPartition(provisioningEntries(document), { sizeBytes: 0x6000 }));
  const { exitCode, out } = await sim("run", "--nvs", at("stolen.bin"), "--timeout", "1.5");
  expect([exitCode, JSON.parse(out).error]).toEqual([
    1,
    expect.objectContaining({
      code: "delivery/broker-unreachable",
      message: expect.stringContaining("Not authorized"),
    }),
  ]);
});

test.skipIf(isAbsent)(
  `a device with another's user name and password says nothing under its own name${WHY}`,
  async () => {
    const { username, password } = documentOf("bench-2");
    const document = { ...documentOf("spare-1"), username: username!, password: password! };
    writeFileSync(at("impostor.bin"), buildNvsPartition(provisioningEntries(document), { sizeBytes: 0x6000 }));
    await sim("run", "--nvs", at("impostor.bin"), "--app", at("old.bin"), "--timeout", "2");
    const { state, stateFilter } = topicsOf(TOPIC);
    const watcher = await client("publisher", publisherPassword());
    const retained: string[] = [];
    const untilLast = new Promise<void>((resolve) => {
      watcher.on("message", (topic) => {
        retained.push(topic);
        if (topic === `${TOPIC}/v1/offer`) resolve();
      });
    });
    // What a subscription finds retained comes before what the next one finds.
    await watcher.subscribeAsync(stateFilter, { qos: 1 });
    await watcher.subscribeAsync(`${TOPIC}/v1/offer`, { qos: 1 });
    await untilLast;
    expect(retained).toContain(state("bench-2"));
    expect(retained).not.toContain(state("spare-1"));
  },
);

const IMAGE = "ab".repeat(16);
const topics = topicsOf(TOPIC);
/** Topics, and who may publish on them and read them: a device by its own name, every device, publishers. */
const ACCESS: readonly (readonly [topic: string, mayWrite: readonly string[], mayRead: readonly string[]])[] = [
  [topics.offer, ["publisher"], ["bench-1", "bench-2"]],
  [topics.keys(2), ["publisher"], ["bench-1", "bench-2"]],
  [topics.hashes(IMAGE), ["publisher"], ["bench-1", "bench-2"]],
  [topics.imageChunk(IMAGE), ["publisher"], ["bench-1", "bench-2"]],
  [TOPIC, ["publisher"], ["bench-1", "bench-2"]],
  [topics.deviceOffer("bench-1"), ["publisher"], ["bench-1"]],
  [topics.deviceChunk("bench-1"), ["publisher"], ["bench-1"]],
  [topics.request("bench-1"), ["bench-1"], []],
  [topics.state("bench-1"), ["bench-1"], []],
  [`${TOPIC}/v1/device/bench-1/other`, [], []],
  [`${TOPIC}/v2/offer`, [], []],
  ["other/ota/v1/offer", [], []],
];

test.skipIf(isAbsent)(
  `Mosquitto lets each read and write what the topics table says, and nothing else${WHY}`,
  async () => {
    const logins = [
      ["bench-1", documentOf("bench-1").password!],
      ["bench-2", documentOf("bench-2").password!],
      ["publisher", publisherPassword()],
    ] as const;
    const everybody = new Map<string, { readonly client: MqttClient; readonly heard: Set<string> }>();
    for (const [name, password] of logins) {
      const connected = await client(name, password);
      const heard = new Set<string>();
      connected.on("message", (topic, payload) => heard.add(`${payload} on ${topic}`));
      await connected.subscribeAsync("#", { qos: 1 });
      everybody.set(name, { client: connected, heard });
    }
    /** Until everybody has all that was said before: one topic that each may read, from one who may write there. */
    const settle = async (mark: string): Promise<void> => {
      await everybody.get("publisher")!.client.publishAsync(topics.offer, mark, { qos: 1 });
      const isHeard = () => [...everybody.values()].every(({ heard }) => heard.has(`${mark} on ${topics.offer}`));
      await expect.poll(isHeard, { interval: 5 }).toBe(true);
    };
    for (const [topic, mayWrite, mayRead] of ACCESS) {
      for (const [name] of logins) {
        const said = `${name}'s word`;
        await everybody.get(name)!.client.publishAsync(topic, said, { qos: 1 });
        await settle(`after ${name} on ${topic}`);
        const ears = [...everybody].filter(([, { heard }]) => heard.has(`${said} on ${topic}`)).map(([ear]) => ear);
        const wanted = mayWrite.includes(name) ? [...mayRead, "publisher"] : [];
        expect(ears.sort(), `${name} on ${topic}`).toEqual([...wanted].sort());
      }
    }
  },
);

test.skipIf(lacksOpenssl)(
  `devices come by TLS with the certificates of their NVS, and not without${TLS_WHY}`,
  async () => {
    const authority = createAuthority(folder, "devices");
    const server = authority.sign("broker", "IP:127.0.0.1");
    const own = authority.sign("tls-1", "DNS:tls-1");
    const port = await freePort();
    const lines = [`cafile ${authority.cert}`, `certfile ${server.cert}`, `keyfile ${server.key}`];
    const asked = ["require_certificate true", "use_identity_as_username true", "allow_anonymous false"];
    await startMosquitto(folder, [...lines, ...asked, `acl_file ${at("fleet", "mosquitto.acl")}`], port);
    const broker = ["--broker", `mqtts://127.0.0.1:${port}`, "--ca", authority.cert];
    const common = ["--manifest", at("manifest.json"), ...broker];
    writeFileSync(at("tls.csv"), `device_id,certificate,private_key\ntls-1,${own.cert},${own.key}\ntls-2,,\n`);
    await done(ota("provision", "--devices", at("tls.csv"), "--out-dir", at("tls"), ...common));
    const known = await sim("run", "--nvs", at("tls", "tls-1.bin"), "--timeout", "1.5");
    expect(known.out, known.err).toContain('"state": "idle"');
    const refused = await sim("run", "--nvs", at("tls", "tls-2.bin"), "--timeout", "1.5");
    expect(JSON.parse(refused.out).error, refused.err).toMatchObject({ code: "delivery/broker-unreachable" });
  },
);

test.skipIf(isAbsent)(`nobody connects without a login${WHY}`, async () => {
  await expect(connectAsync(url, { reconnectPeriod: 0 }, false)).rejects.toThrow("Not authorized");
});
