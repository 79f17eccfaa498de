import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { buildOffer, fromHex, parseOffer, topicsOf } from "@tinybms/ota-core";
import {
  buildEnvelope,
  parseEnvelope,
  parsePublicKeyPem,
  parseRelease,
  readKeySet,
  type TrustedKeys,
  verifyEnvelope,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { IMAGE, TOPIC } from "./release-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";
import { createKeys, createSignedLine, type SignedLine, succeed } from "./signed-line.ts";

const TOPICS = topicsOf(TOPIC);

let line: SignedLine;
let broker: EmbeddedBroker;

beforeEach(async () => {
  line = await createSignedLine();
  broker = await startEmbeddedBroker();
});

afterEach(async () => {
  await broker.close();
  line.remove();
});

const packaged = (...args: readonly string[]) =>
  line.run(["package", "--binary", line.binary, "--update-manifest", ...args]);
const deploy = (...args: readonly string[]) =>
  line.run(["deploy", "--version", "1.2.3", "--broker", broker.url, "--timeout", "20", ...args]);
const signedDeploy = (...args: readonly string[]) => deploy("--sign-key", line.key("offer"), "--expect", "1", ...args);

/** What the broker keeps on a topic, after all else was done. */
async function retainedOn(topic: string): Promise<Uint8Array | undefined> {
  const client = await connectAsync(broker.url);
  const messages: Uint8Array[] = [];
  client.on("message", (_topic, payload) => messages.push(payload));
  await client.subscribeAsync(topic, { qos: 1 });
  await client.subscribeAsync(topic, { qos: 1 });
  await client.endAsync();
  return messages[0];
}

function currentKeys(): TrustedKeys {
  return readKeySet(readFileSync(join(line.keys, "1.json")), verifySignature);
}

test("sends a signed release in a signed offer, without the first key set, which devices have", async () => {
  expect((await packaged("--sign-key", line.key("release"))).exitCode).toBe(0);
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stderr } = await signedDeploy();
  await device.close();
  expect(exitCode, stderr).toBe(0);
  expect(device.image).toEqual(IMAGE);
  const keys = currentKeys();
  const offer = parseEnvelope((await retainedOn(TOPICS.offer))!);
  const { release, epoch } = parseOffer(verifyEnvelope(offer, "offer", keys, verifySignature).payload);
  expect(epoch).toBe(1);
  expect(parseRelease(verifyEnvelope(release!, "release", keys, verifySignature).payload).version).toBe("1.2.3");
  expect(await retainedOn(TOPICS.keys(1))).toBeUndefined();
});

test.for([
  ["nobody signs the offer", [], "signing/unsigned", "--sign-key"],
  ["a release key signs the offer", ["--sign-key", "release"], "signing/wrong-role", "role offer"],
  ["a stranger signs the offer", ["--sign-key", "stranger"], "signing/unknown-key", "doesn't hold"],
] as const)("sends nothing if %s", async ([, args, code, text]) => {
  await packaged("--sign-key", line.key("release"));
  const { exitCode, stderr } = await deploy(...args.map((it) => (it.startsWith("--") ? it : line.key(it))));
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(`error[${code}]`);
  expect(stderr).toContain(text);
  expect(await retainedOn(TOPICS.offer)).toBeUndefined();
});

test("a dry run says who has signed the release, and against which key set it was checked", async () => {
  await packaged("--sign-key", line.key("release"));
  const { keyid } = parsePublicKeyPem(readFileSync(line.key("release.pub"), "utf8"));
  const { exitCode, stdout } = await signedDeploy("--dry-run");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`signed   the release by ${keyid}; .*; checked against key set 1$`, "m"));
});

test("sends nothing without a signed release, and says who creates one", async () => {
  await packaged();
  const { exitCode, stderr } = await signedDeploy("--dry-run");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/error\[signing\/unsigned\]: there is no signed release \(.*1\.2\.3\/release\.json\)/);
  expect(stderr).toContain("hint: package the same build again with --sign-key");
});

test("refuses a release signed by an offer key before anything is sent", async () => {
  await packaged("--sign-key", line.key("offer"));
  const { exitCode, stderr } = await signedDeploy("--dry-run");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/error\[signing\/wrong-role\]: .*release\.json: the release is signed by key/);
});

test("refuses a signed release of other bytes and says how they differ", async () => {
  await packaged("--sign-key", line.key("release"));
  const file = join(line.folder, "ota/versions/1.2.3/release.json");
  const { payload } = JSON.parse(readFileSync(file, "utf8"));
  const other = Buffer.from(payload, "base64").toString().replace('"secure_version":0', '"secure_version":1');
  writeFileSync(file, buildEnvelope(Buffer.from(other)));
  const { exitCode, stdout } = await signedDeploy("--dry-run", "--json");
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "signing/release-mismatch",
    details: { member: "image.secure_version" },
  });
});

test("a key set of another product is refused", async () => {
  await packaged("--sign-key", line.key("release"));
  const other = await createSignedLine("toaster");
  const { exitCode, stderr } = await signedDeploy("--keys", other.keys, "--dry-run");
  other.remove();
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error[signing/key-set-product]: ");
});

test("refuses a --keys folder without key sets; the default folder may be absent", async () => {
  await packaged();
  renameSync(line.keys, join(line.folder, "elsewhere"));
  expect((await deploy("--keys", line.folder, "--dry-run")).stderr).toContain("error[signing/key-set-unreadable]");
  expect((await deploy("--dry-run")).exitCode).toBe(0);
  const unchecked = await deploy("--sign-key", line.key("offer"), "--dry-run");
  expect(unchecked.exitCode).toBe(0);
  expect(unchecked.stderr).toContain("warning: there is no key set in ");
});

test("refuses --sign-key if no offer is made", async () => {
  await packaged();
  const { exitCode, stderr } = await deploy("--mode", "blob", "--sign-key", line.key("offer"), "--dry-run");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error[arguments/invalid]: --sign-key has no effect");
});

test("a new epoch restarts the counter, and publishes the key sets that devices lack", async () => {
  await packaged("--sign-key", line.key("release"));
  const first = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  expect((await signedDeploy()).exitCode).toBe(0);
  expect((await signedDeploy()).exitCode).toBe(0);
  await createKeys(line.folder, ["offer-2"]);
  await succeed(
    ...["keys", "rotate", line.key("offer.pub"), line.key("offer-2.pub"), "--revoke"],
    ...["--keys", line.keys, "--sign-key", line.key("root")],
  );
  // The number is taken before anybody signs: the attempt leaves a gap.
  expect((await signedDeploy()).stderr).toContain("error[signing/revoked-key]");
  expect((await deploy("--sign-key", line.key("offer-2"), "--expect", "1")).exitCode).toBe(0);
  await first.close();
  expect(first.offers.map(({ offer }) => [offer.epoch, offer.sequence])).toEqual([
    [1, 1],
    [1, 2],
    [2, 2],
  ]);
  expect(await retainedOn(TOPICS.keys(2))).toEqual(readFileSync(join(line.keys, "2.json")));
  // Whoever has the older key sets only would make offers that count no more.
  rmSync(join(line.keys, "2.json"));
  expect((await signedDeploy("--dry-run")).stderr).toMatch(
    /error\[signing\/key-set-epoch\]: an offer of epoch 2 was made/,
  );
  rmSync(join(line.folder, "ota", ".tinybms-ota"), { recursive: true });
  expect((await signedDeploy()).stderr).toMatch(/error\[signing\/key-set-epoch\]: the broker keeps key set 2/);
});

test("ignores an offer on the broker that no trusted key signed when it counts", async () => {
  await packaged("--sign-key", line.key("release"));
  const forged = buildOffer({
    offer: 1,
    id: "00".repeat(16),
    topic_root: TOPIC,
    epoch: 1,
    sequence: 2 ** 31 - 1,
    issued_at: "2026-01-31T12:00:00Z",
    release: null,
    chunk_encodings: ["identity"],
    target: "all",
  });
  const signatures = [
    { keyid: "ab".repeat(16), alg: "ecdsa-p256-sha256", sig: fromHex("30060201010201 01".replace(" ", ""))! },
  ];
  const attacker = await connectAsync(broker.url);
  await attacker.publishAsync(TOPICS.offer, Buffer.from(buildEnvelope(forged, signatures)), { qos: 1, retain: true });
  await attacker.publishAsync(TOPICS.keys(2), "{}", { qos: 1, retain: true });
  await attacker.endAsync();
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stderr } = await signedDeploy();
  await device.close();
  expect(exitCode, stderr).toBe(0);
  expect(device.offers.at(-1)?.offer.sequence).toBe(1);
  expect(stderr).toContain("(epoch 1, sequence 2147483647) that no trusted key signed");
});
