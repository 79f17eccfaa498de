import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import {
  connectDevice,
  createDevice,
  type DeviceConnection,
  type EmbeddedBroker,
  startEmbeddedBroker,
  untilState,
} from "@tinybms/firmware-sim/testkit";
import { parseOffer, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { type RolloutRecord, readJournal } from "@tinybms/ota-core/rollout";
import { parseEnvelope } from "@tinybms/ota-core/signing";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine } from "../packages/ota-publisher/test/deploy-line.ts";

const TOPIC = "bench/ota";
const CHILD = fileURLToPath(new URL("./rollout-killed.ts", import.meta.url));

let broker: EmbeddedBroker;
let line: DeployLine;
let devices: readonly DeviceConnection[];

beforeEach(async () => {
  broker = await startEmbeddedBroker({});
  line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC, client_id: "publisher" } }, ["mqtt"]);
  const app = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 });
  devices = ["gw-0", "gw-1", "gw-2", "gw-3"].map((id) =>
    connectDevice(createDevice({ id, app, topicRoot: TOPIC, product: "gateway" }), broker.url),
  );
  await Promise.all(devices.map((device) => untilState(device, "idle")));
});

afterEach(async () => {
  await Promise.all(devices.map((device) => device.stop()));
  await broker.close();
  line.remove();
});

/** Runs `tinybms-ota deploy` in a process that dies at the first line that it writes to the journal. */
async function dies(where: "whole" | "torn", args: readonly string[]): Promise<{ died: boolean; stderr: string }> {
  const common = ["deploy", "--version", "1.2.3", "--manifest", join(line.folder, "manifest.json")];
  const child = spawn(process.execPath, ["--conditions=@tinybms/source", CHILD, where, ...common, ...args]);
  child.stdout.resume();
  const [stderr, [, signal]] = await Promise.all([text(child.stderr), once(child, "close")]);
  return { died: signal === "SIGKILL", stderr };
}

test("killed in and after each line of its journal, a rollout ends as if it had not been, and no device installs twice", async () => {
  const published = new Set<string>();
  const client = await connectAsync(broker.url);
  client.on("message", (_, payload) => {
    const { epoch, sequence } = parseOffer(parseEnvelope(payload).payload);
    published.add(`${epoch}/${sequence}`);
  });
  await client.subscribeAsync(topicsOf(TOPIC).offer);
  const journal = join(line.folder, "rollouts", "1.2.3.jsonl");
  const begin = ["--rollout", "50%,100%", "--hold", "0.1"];
  const resume = ["--resume", journal];
  // The first line begins the rollout: a process that dies in it leaves nothing to resume.
  expect(await dies("torn", begin)).toMatchObject({ died: true });
  expect(await dies("whole", begin)).toMatchObject({ died: true });
  let kills = 2;
  while ((await dies("torn", resume)).died) {
    expect(await dies("whole", resume)).toMatchObject({ died: true });
    kills += 2;
  }
  const { records } = readJournal(readFileSync(journal, "utf8"), journal);
  expect(kills).toBe(2 * records.length);
  expect(records.map(({ type }) => type).filter((type) => type !== "ended")).toEqual([
    ...["rollout", "offer", "settled", "offer", "settled", "complete"],
  ]);
  const ended = records.flatMap((it) => (it.type === "ended" ? [`${it.device} ${it.end}`] : []));
  expect(ended.toSorted()).toEqual(devices.map(({ device }) => `${device.id} confirmed`));
  const offers = records.filter((it): it is RolloutRecord & { type: "offer" } => it.type === "offer");
  // One offer for each stage, and no other on the broker.
  expect(published).toEqual(new Set(offers.map(({ offer }) => offer.counter.join("/"))));
  await client.endAsync();
  for (const { device } of devices) expect(device.summary()).toMatchObject({ version: "1.2.3", bootCount: 2 });
});
