import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { type OfferDocument, parseOffer, topicsOf } from "@tinybms/ota-core";
import { parseEnvelope, readKeySet, verifyEnvelope, verifySignature } from "@tinybms/ota-core/signing";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TOPIC } from "./release-line.ts";
import { createSignedLine, type SignedLine } from "./signed-line.ts";

const TOPICS = topicsOf(TOPIC);

let line: SignedLine;
let broker: EmbeddedBroker;

beforeEach(async () => {
  line = await createSignedLine();
  broker = await startEmbeddedBroker();
  const args = ["package", "--binary", line.binary, "--update-manifest", "--sign-key", line.key("release")];
  expect((await line.run(args)).exitCode).toBe(0);
});

afterEach(async () => {
  await broker.close();
  line.remove();
});

const run = (command: string, ...args: readonly string[]) =>
  line.run([command, "--version", "1.2.3", "--broker", broker.url, "--sign-key", line.key("offer"), ...args]);

/** The offer that the broker keeps on a topic; its signature is one that devices trust. */
async function offerOn(topic: string): Promise<OfferDocument | undefined> {
  const client = await connectAsync(broker.url);
  const messages: Uint8Array[] = [];
  client.on("message", (_topic, payload) => messages.push(payload));
  await client.subscribeAsync(topic, { qos: 1 });
  await client.subscribeAsync(topic, { qos: 1 });
  await client.endAsync();
  const [message] = messages;
  if (message === undefined) return undefined;
  const keys = readKeySet(readFileSync(join(line.keys, "1.json")), verifySignature);
  return parseOffer(verifyEnvelope(parseEnvelope(message), "offer", keys, verifySignature).payload);
}

test("withdraws an offer by a signed offer without a release, with the next number", async () => {
  expect((await run("deploy", "--wait", "none")).exitCode).toBe(0);
  const { exitCode, stdout } = await run("withdraw", "--json");
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    version: "1.2.3",
    withdrawals: [{ broker: broker.url, topic: TOPIC, target: "all", epoch: 1, sequence: 2 }],
  });
  expect(await offerOn(TOPICS.offer)).toMatchObject({ release: null, sequence: 2, target: "all" });
  const again = await run("withdraw");
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toMatch(/error\[delivery\/not-offered\]: .*the broker offers nothing there/);
  expect((await run("deploy", "--wait", "none")).exitCode).toBe(0);
  expect(await offerOn(TOPICS.offer)).toMatchObject({ sequence: 3 });
});

test("a device that is named gets the withdrawal on its own topic; the others keep their offer", async () => {
  await run("deploy", "--wait", "none");
  expect((await run("withdraw", "--device", "bench-1", "--device", "bench-2")).exitCode).toBe(0);
  for (const device of ["bench-1", "bench-2"]) {
    const target = { devices: ["bench-1", "bench-2"] };
    expect(await offerOn(TOPICS.deviceOffer(device))).toMatchObject({ release: null, sequence: 2, target });
  }
  expect(await offerOn(TOPICS.offer)).toMatchObject({ sequence: 1 });
});

test("a device list too long for one offer gets several with one number, and so does its withdrawal", async () => {
  const devices = Array.from({ length: 150 }, (_, index) => `gateway-in-building-${String(index).padStart(4, "0")}`);
  const file = join(line.folder, "devices.txt");
  writeFileSync(file, devices.join("\n"));
  expect((await run("deploy", "--wait", "none", "--device-file", file)).exitCode).toBe(0);
  const checked = [devices[0], devices[74], devices[75], devices[149]].map(String);
  const targets = new Set<string>();
  for (const device of checked) {
    const offer = await offerOn(TOPICS.deviceOffer(device));
    expect(offer).toMatchObject({ sequence: 1, target: { devices: expect.arrayContaining([device]) } });
    targets.add(JSON.stringify([offer?.id, offer?.target]));
  }
  expect(targets.size).toBeGreaterThan(1);
  expect(new Set([...targets].map((text) => JSON.parse(text)[0])).size).toBe(1);
  expect((await run("withdraw", "--device-file", file)).exitCode).toBe(0);
  for (const device of checked) {
    expect(await offerOn(TOPICS.deviceOffer(device))).toMatchObject({ release: null, sequence: 2 });
  }
});

test("does not withdraw what the broker doesn't offer, and sends nothing", async () => {
  const { exitCode, stdout } = await run("withdraw", "--json");
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/not-offered",
    details: { version: "1.2.3", offered: [] },
  });
  expect(await offerOn(TOPICS.offer)).toBeUndefined();
});

test.for([
  ["nobody signs", ["--broker", "mqtt://127.0.0.1:1"], "signing/unsigned"],
  ["the broker begins now", ["--broker", "embedded", "--sign-key", "offer"], "arguments/invalid"],
  ["the broker is away", ["--broker", "mqtt://127.0.0.1:1", "--sign-key", "offer", "--timeout", "0.2"], "unreachable"],
] as const)("withdraws nothing if %s", async ([, args, code]) => {
  const given = args.map((word) => (word === "offer" ? line.key(word) : word));
  const { exitCode, stderr } = await line.run(["withdraw", "--version", "1.2.3", ...given]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(code);
});
