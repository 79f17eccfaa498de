import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDeployLine, type DeployLine } from "./deploy-line.ts";
import { type DeviceStory, GOOD, type LightFleet, startLightFleet } from "./light-fleet.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "./mosquitto-broker.ts";

const TOPIC = "bench/ota";
/** What devices of a light fleet run before. */
const OLD_IMAGE = "cd".repeat(32);

let line: DeployLine;
let fleet: LightFleet | undefined;

function lineOn(brokerUrl: string): DeployLine {
  return createDeployLine({ mqtt: { broker: brokerUrl, topic: TOPIC, client_id: "publisher" } }, ["mqtt"]);
}

const stories = (count: number): ReadonlyMap<string, DeviceStory> =>
  new Map(Array.from({ length: count }, (_, index) => [`gw-${index}`, GOOD]));

const touched = (): readonly string[] =>
  [...new Set([...(fleet?.touched.values() ?? [])].flatMap((devices) => [...devices]))].sort();

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
  line.remove();
});

describe("with the tags of a device list", () => {
  beforeEach(() => {
    line = lineOn("mqtt://127.0.0.1:1");
    const rows = ["device_id,password,tags", "gw-1,secret,pilot lab", "gw-2,secret,", "gw-3,secret,lab", ""];
    writeFileSync(join(line.folder, "devices.csv"), rows.join("\n"));
  });

  const targetOf = async (...args: readonly string[]): Promise<unknown> => {
    const { stdout } = await line.deploy(["--dry-run", "--json", ...args]);
    return JSON.parse(stdout).deliveries[0].target;
  };

  test("delivers to the devices that have one of the tags, and to those named besides", async () => {
    expect(await targetOf("--tag", "lab")).toEqual({ devices: ["gw-1", "gw-3"] });
    expect(await targetOf("--tag", "pilot", "--tag", "lab", "--device", "gw-9")).toEqual({
      devices: ["gw-9", "gw-1", "gw-3"],
    });
  });

  test("reads another list, of which it needs only two columns", async () => {
    const list = join(line.folder, "other.csv");
    writeFileSync(list, 'device_id,tags\ngw-7,"pilot"\n');
    expect(await targetOf("--tag", "pilot", "--devices", list)).toEqual({ devices: ["gw-7"] });
  });

  test.for([
    [["--tag", "none"], "no device in", undefined],
    [["--devices", "x"], "has no effect without --tag", undefined],
    [["--tag", "lab", "--mode", "blob"], "--tag has no effect", undefined],
    [["--tag", "lab"], 'line 2, column tags: "a/b" can\'t be a tag', "device_id,tags\ngw-1,a/b\n"],
    [["--tag", "lab"], "line 3, column device_id: gw-1 is in an earlier line", "device_id,tags\ngw-1,lab\ngw-1,lab\n"],
    [["--tag", "lab"], "the header has no such column", "tags\nlab\n"],
    [["--tag", "lab"], 'column device_id: "a b" can\'t be', "device_id,tags\na b,lab\n"],
  ] as const)("refuses %j: %s", async ([args, text, list]) => {
    if (list !== undefined) writeFileSync(join(line.folder, "devices.csv"), list);
    const { exitCode, stderr } = await line.deploy(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(text);
  });
});

describe("with a version that devices must run", () => {
  let broker: EmbeddedBroker;

  beforeEach(async () => {
    broker = await startEmbeddedBroker();
    line = lineOn(broker.url);
    addOldVersion("1.2.2");
  });

  afterEach(() => broker.close());

  /** Adds a version of the image that the fleet runs to the release line. */
  function addOldVersion(version: string): void {
    const file = join(line.folder, "manifest.json");
    const root = JSON.parse(readFileSync(file, "utf8"));
    root.versions.push({ id: version, manifest: `versions/${version}/ota.json` });
    writeFileSync(file, JSON.stringify(root));
    const folder = join(line.folder, "versions", version);
    mkdirSync(folder);
    writeFileSync(join(folder, "gateway.bin"), "old");
    const artifact = { name: "gateway", filename: "gateway.bin", size: 3, sha256: OLD_IMAGE.toUpperCase() };
    writeFileSync(join(folder, "ota.json"), JSON.stringify({ version, artifacts: [artifact] }));
  }

  test("delivers only to devices that run it", async () => {
    fleet = await startLightFleet(broker.url, TOPIC, stories(6));
    await fleet.report("gw-2", { running_sha256: "ef".repeat(32) });
    const { exitCode, stderr } = await line.deploy(["--from-version", "1.2.2", "--rollout", "100%"]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("5 confirmed")]);
    expect(touched()).toEqual(["gw-0", "gw-1", "gw-3", "gw-4", "gw-5"]);
  });

  test("delivers to named devices that run it", async () => {
    fleet = await startLightFleet(broker.url, TOPIC, stories(4));
    await fleet.report("gw-2", { running_sha256: "ef".repeat(32) });
    const args = ["--from-version", "1.2.2", "--device", "gw-1", "--device", "gw-2", "--wait", "none"];
    expect((await line.deploy(args)).exitCode).toBe(0);
    await expect.poll(touched).toEqual(["gw-1"]);
  });

  test.for([
    [["--from-version", "9.9.9"], 2, "9.9.9"],
    [["--from-version", "1.2.3"], 1, "no device reported to this broker that it runs version 1.2.3"],
    [["--from-version", "1.2.2", "--broker", "embedded"], 2, "one that has just started has heard of no device"],
    [["--from-version", "1.2.2", "--resume", "x"], 2, "--from-version has no effect: the journal has it"],
    [["--from-version", "1.2.2", "--retry-failed", "x"], 2, "--retry-failed names the devices itself"],
  ] as const)("refuses %j", async ([args, code, text]) => {
    const { exitCode, stderr } = await line.deploy(args);
    expect(stderr).toContain(text);
    expect(exitCode).toBe(code);
  });
});

test.runIf(hasMosquitto())("delivers to 600 named devices over Mosquitto, a stage under one number", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-named-"));
  try {
    // A default queue of 1 000 messages is too short for devices that all end in the same instant.
    const { port } = await startMosquitto(folder, ["allow_anonymous true", "max_queued_messages 0"]);
    const url = `mqtt://127.0.0.1:${port}`;
    line = lineOn(url);
    const list = join(line.folder, "pilot.txt");
    writeFileSync(list, [...stories(600).keys()].join("\n"));
    fleet = await startLightFleet(url, TOPIC, stories(700));
    const { exitCode, stderr } = await line.deploy(["--device-file", list, "--rollout", "50%,100%", "--hold", "0.1"]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("600 confirmed, 0 failed")]);
    expect(touched()).toEqual([...stories(600).keys()].sort());
    const journal = readFileSync(join(line.folder, "rollouts", "1.2.3.jsonl"), "utf8");
    const records = journal
      .split("\n")
      .slice(0, -1)
      .map((text) => JSON.parse(text));
    const offers = records.filter(({ type }) => type === "offer");
    expect(offers.map(({ stage }) => stage)).toEqual([0, 1]);
    for (const { offer } of offers) expect(offer.parts.length).toBeGreaterThan(1);
    expect([...fleet.touched.keys()]).toEqual(["1/1", "1/2"]);
  } finally {
    await killMosquittos();
    rmSync(folder, { recursive: true, force: true });
  }
});
