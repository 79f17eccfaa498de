import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectDevice,
  createDevice,
  type DeviceConnection,
  type DeviceSpec,
  type SimulatedDevice,
} from "@tinybms/firmware-sim/testkit";
import { type Immutable, parseStateReport, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import {
  buildEnvelope,
  buildKeySet,
  type Envelope,
  type KeySet,
  nextKeySet,
  parseEnvelope,
  parseKeySet,
  parsePublicKey,
  readKeySet,
  rotateKey,
  type SignedKind,
  signedBytes,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { buildOfferPayload } from "@tinybms/ota-publisher";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hasMosquitto, killMosquittos, startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";
import { createKeys, succeed } from "../packages/ota-publisher/test/signed-line.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: Mosquitto is not installed; `apt-get install mosquitto`)" : "";
const PRODUCT = "gateway";
const TOPIC = "bench/ota";
const TOPICS = topicsOf(TOPIC);
const DEVICES = ["bench-1", "bench-2"];

let folder = "";
let url = "";
let fleet: DeviceConnection[] = [];
let thief: MqttClient;

/** Ends the time that passes ten times as fast for devices and publisher as for the broker. */
let endFastTime: () => void = () => undefined;

function beginFastTime(): void {
  const { setInterval, clearInterval } = globalThis;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const pump = setInterval(() => vi.advanceTimersByTime(100), 10);
  endFastTime = () => {
    clearInterval(pump);
    vi.useRealTimers();
  };
}

const at = (name: string): string => join(folder, name);
const build = (version: string): Uint8Array =>
  buildAppImage({
    version,
    projectName: "gateway",
    sizeBytes: 60_000,
    seed: version.length + Number(version.split(".")[1]),
  });

/** Three root keys of which two must sign, a key for releases, one for offers; two devices that were told so. */
beforeEach(async () => {
  if (isAbsent) return;
  folder = mkdtempSync(join(tmpdir(), "tinybms-drill-"));
  url = `mqtt://127.0.0.1:${(await startMosquitto(folder)).port}`;
  mkdirSync(at("ota"));
  const channels = { mqtt: { broker: url, topic: TOPIC, rate: 0 } };
  const product = { name: PRODUCT, hardware: "esp32" };
  const deployment = { channels, default_protocols: ["mqtt"] };
  writeFileSync(at("ota/manifest.json"), JSON.stringify({ schema_version: 1, product, deployment, versions: [] }));
  await createKeys(folder, ["root-a", "root-b", "root-c", "release", "offer"]);
  await succeed(
    ...["keys", "init", "--keys", at("ota/keys"), "--product", PRODUCT, "--threshold", "root=2"],
    ...["root-a", "root-b", "root-c"].flatMap((name) => ["--root", at(`${name}.pub`)]),
    ...["--release", at("release.pub"), "--offer", at("offer.pub")],
    ...["--sign-key", at("root-a"), "--sign-key", at("root-b")],
  );
  beginFastTime();
  fleet = DEVICES.map((id) => switchOn(id, { app: build("1.0.0") }));
  thief = await connectAsync(url);
});

afterEach(async () => {
  if (isAbsent) return;
  endFastTime();
  await thief.endAsync(true);
  await Promise.all(fleet.map((device) => device.stop()));
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

/** A device that was provisioned with the first key set: a new one, or one that was off. bench-1 runs the reference. */
function switchOn(id: string, state: Pick<DeviceSpec, "app" | "hardware">): DeviceConnection {
  const keySet = readKeySet(readFileSync(at("ota/keys/1.json")), verifySignature);
  const agent = id === "bench-1" ? "ts" : "c";
  return connectDevice(createDevice({ id, agent, topicRoot: TOPIC, product: PRODUCT, keySet, ...state }), url);
}

/** The operator packages a build and delivers it to the whole fleet, with these keys. */
async function release(version: string, releaseKey = "release", offerKey = "offer"): Promise<void> {
  const binary = at(`${version}.bin`);
  writeFileSync(binary, build(version));
  const manifest = ["--manifest", at("ota/manifest.json")];
  await succeed("package", ...manifest, "--binary", binary, "--update-manifest", "--sign-key", at(releaseKey));
  await deploy(version, offerKey);
}

/** Devices that were sent forged envelopes take the honest ones when a minute's verifications are paid for anew. */
async function deploy(version: string, offerKey = "offer", devices = DEVICES.length): Promise<void> {
  await succeed(
    ...["deploy", "--version", version, "--manifest", at("ota/manifest.json"), "--sign-key", at(offerKey)],
    ...["--expect", String(devices), "--timeout", "3000", "--quiet"],
  );
  expect(versionsThatRun().slice(0, devices)).toEqual(DEVICES.slice(0, devices).map(() => version));
}

const versionsThatRun = (): readonly (string | null)[] => fleet.map(({ device }) => versionOf(device));
const versionOf = (device: SimulatedDevice): string | null => device.summary().version;

/** Root keys sign what the operator changes in the key set. */
async function changeKeys(...args: readonly string[]): Promise<void> {
  const [command = "", ...rest] = args;
  await succeed(
    "keys",
    command,
    ...rest,
    "--keys",
    at("ota/keys"),
    "--sign-key",
    at("root-b"),
    "--sign-key",
    at("root-c"),
  );
}

/** A signature with a stolen key, over what nobody's command would sign. */
function sealWith(kind: SignedKind, payload: Uint8Array, ...keyNames: readonly string[]): Envelope {
  const signatures = keyNames.map((name) => {
    const privateKey = createPrivateKey(readFileSync(at(name)));
    const { keyid, alg } = parsePublicKey(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
    return { keyid, alg, sig: Uint8Array.from(sign("sha256", signedBytes(kind, payload), privateKey)) };
  });
  return { payload, signatures };
}

const bytesOf = ({ payload, signatures }: Envelope): Buffer => Buffer.from(buildEnvelope(payload, signatures));

/** What was packaged, as its file holds it. */
const releaseOf = (version: string): Envelope =>
  parseEnvelope(readFileSync(at(`ota/versions/${version}/release.json`)));

/** Publishes an offer that a stolen key has signed, and waits for what each device says of it. */
async function forge(counter: readonly [number, number], keyName: string, version: string, of = releaseOf(version)) {
  const id = Buffer.from(`${keyName}${counter.join()}`.padEnd(16, ".")).toString("hex").slice(0, 32);
  const parts = { id, topicRoot: TOPIC, counter, issuedAt: new Date(), target: "all", expectedCount: 2 } as const;
  const payload = buildOfferPayload(of, parts);
  const codes = new Map<string, string>();
  const isHeard = new Promise<void>((resolve) => {
    thief.on("message", (topic, message) => {
      if (!topic.endsWith("/state")) return;
      const { device, offer, state, error } = parseStateReport(message);
      if (offer === id) codes.set(device, error?.code ?? state);
      if (codes.size === DEVICES.length) resolve();
    });
  });
  await thief.subscribeAsync(TOPICS.stateFilter, { qos: 1 });
  await thief.publishAsync(TOPICS.offer, bytesOf(sealWith("offer", payload, keyName)), { qos: 1, retain: true });
  await isHeard;
  thief.removeAllListeners("message");
  await thief.unsubscribeAsync(TOPICS.stateFilter);
  return DEVICES.map((device) => codes.get(device));
}

/** Waits until a device says that it has come to a key set. */
async function untilKeySet(device: string, epoch: number): Promise<void> {
  const hasCome = new Promise<void>((resolve) => {
    thief.on("message", (_topic, message) => {
      const { key_set, online } = parseStateReport(message);
      if (online && key_set === epoch) resolve();
    });
  });
  await thief.subscribeAsync(TOPICS.state(device), { qos: 1 });
  await hasCome;
  thief.removeAllListeners("message");
  await thief.unsubscribeAsync(TOPICS.state(device));
}

const drill = test.skipIf(isAbsent);

drill(
  `a stolen offer key works until the next key set; then devices refuse the thief, and the operator goes on${WHY}`,
  async () => {
    await release("1.1.0");
    await release("1.2.0");
    // The thief has the release line and the offer key: what was signed once can be offered again, under a high number.
    cpSync(at("ota"), at("stolen"), { recursive: true });
    writeFileSync(at("stolen/.tinybms-ota/sequence.json"), JSON.stringify({ topics: { [TOPIC]: [1, 2_000_000_000] } }));
    await succeed(
      ...["deploy", "--version", "1.1.0", "--manifest", at("stolen/manifest.json"), "--sign-key", at("offer")],
      ...["--expect", "2", "--timeout", "3000", "--quiet"],
    );
    expect(versionsThatRun()).toEqual(["1.1.0", "1.1.0"]);
    // One device is off, and sees nothing of what follows until it is back.
    const [, late] = fleet;
    await late?.stop();
    await createKeys(folder, ["offer-2"]);
    await changeKeys("rotate", at("offer.pub"), at("offer-2.pub"), "--revoke");
    await deploy("1.2.0", "offer-2", 1);
    fleet.splice(1, 1, switchOn("bench-2", { hardware: late!.device.hardware }));
    await untilKeySet("bench-2", 2);
    expect(await forge([1, 2_000_000_001], "offer", "1.1.0")).toEqual(["offer/wrong-epoch", "offer/wrong-epoch"]);
    expect(await forge([2, 2_000_000_001], "offer", "1.1.0")).toEqual(["signing/revoked-key", "signing/revoked-key"]);
    await release("1.3.0", "release", "offer-2");
    const stale = await runCommand([
      ...["deploy", "--version", "1.1.0", "--manifest", at("stolen/manifest.json"), "--sign-key", at("offer")],
    ]);
    expect(stale.stderr).toContain("error[signing/key-set-epoch]");
    expect(versionsThatRun()).toEqual(["1.3.0", "1.3.0"]);
  },
);

drill(
  `a stolen release key makes nothing that is offered, and nothing at all after the next key set${WHY}`,
  async () => {
    await release("1.1.0");
    const evil = { ...JSON.parse(Buffer.from(releaseOf("1.1.0").payload).toString()), version: "6.6.6" };
    const forged = sealWith("release", Buffer.from(JSON.stringify(evil)), "release");
    // With the release key alone there is no offer.
    expect(await forge([1, 50], "release", "1.1.0", forged)).toEqual(["signing/wrong-role", "signing/wrong-role"]);
    await createKeys(folder, ["release-2"]);
    await changeKeys("rotate", at("release.pub"), at("release-2.pub"), "--revoke");
    await release("1.2.0", "release-2");
    // Even an offer that the operator was talked into signing carries it nowhere.
    expect(await forge([2, 50], "offer", "1.1.0", forged)).toEqual(["signing/revoked-key", "signing/revoked-key"]);
    expect(versionsThatRun()).toEqual(["1.2.0", "1.2.0"]);
    // What was signed before counts again only when it is signed anew.
    const old = ["deploy", "--version", "1.1.0", "--manifest", at("ota/manifest.json"), "--sign-key", at("offer")];
    expect((await runCommand(old)).stderr).toContain("error[signing/revoked-key]");
    await release("1.1.0", "release-2");
  },
);

drill(`one stolen root key of three signs no key set that devices take; the other two take it out${WHY}`, async () => {
  await release("1.1.0");
  const first = parseKeySet(parseEnvelope(readFileSync(at("ota/keys/1.json"))).payload);
  await createKeys(folder, ["thief"]);
  const [own] = [createPublicKey(readFileSync(at("thief")))].map((key) =>
    parsePublicKey(key.export({ type: "spki", format: "der" })),
  );
  const [offerKey = ""] = first.roles.offer.keyids;
  const coup: Immutable<KeySet> = rotateKey(nextKeySet(first, "2026-01-31T12:00:00Z"), offerKey, own!, true);
  const envelope = sealWith("keys", buildKeySet(coup), "root-a", "thief");
  await thief.publishAsync(TOPICS.keys(2), bytesOf(envelope), { qos: 1, retain: true });
  expect(await forge([2, 1], "thief", "1.1.0")).toEqual(["offer/wrong-epoch", "offer/wrong-epoch"]);
  await createKeys(folder, ["root-d"]);
  await succeed(
    ...["keys", "rotate", at("root-a.pub"), at("root-d.pub"), "--revoke", "--keys", at("ota/keys")],
    ...["--sign-key", at("root-b"), "--sign-key", at("root-c")],
  );
  await release("1.2.0");
  expect(await forge([2, 50], "thief", "1.1.0")).toEqual(["signing/unknown-key", "signing/unknown-key"]);
  expect(versionsThatRun()).toEqual(["1.2.0", "1.2.0"]);
});
