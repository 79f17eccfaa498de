import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { parseOffer } from "@tinybms/ota-core";
import { readJournal } from "@tinybms/ota-core/rollout";
import { parseEnvelope } from "@tinybms/ota-core/signing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { envelopesOf } from "../src/rollout/journaled-offer.ts";
import { createDeployLine, type DeployLine } from "./deploy-line.ts";
import { BAD, type DeviceStory, GOOD, type LightFleet, startLightFleet } from "./light-fleet.ts";
import { runCommand } from "./release-line.ts";

const TOPIC = "bench/ota";

let line: DeployLine;
let broker: EmbeddedBroker;
let fleet: LightFleet;
let journal: string;

beforeEach(async () => {
  broker = await startEmbeddedBroker();
  line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC, client_id: "publisher" } }, ["mqtt"]);
  journal = join(line.folder, "rollouts", "1.2.3.jsonl");
});

afterEach(async () => {
  await fleet?.close();
  await broker.close();
  line.remove();
});

async function begin(count: number, story: (index: number) => DeviceStory): Promise<void> {
  const stories = Array.from({ length: count }, (_, index) => [`gw-${index}`, story(index)] as const);
  fleet = await startLightFleet(broker.url, TOPIC, new Map(stories));
}

const records = (): { type: string; stage?: number; device?: string; end?: string }[] =>
  readFileSync(journal, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text));

const offerIn = (envelope: Uint8Array) => parseOffer(parseEnvelope(envelope).payload);

const touched = (): string[] => [...new Set([...fleet.touched.values()].flatMap((devices) => [...devices]))];

test("a rollout reaches every device stage by stage, and its journal tells how", async () => {
  await begin(40, () => GOOD);
  const { exitCode, stderr } = await line.deploy(["--rollout", "10%,100%", "--hold", "0.1"]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("40 confirmed, 0 failed");
  expect(stderr).not.toContain("lost");
  expect(touched().length).toBe(40);
  const sizes = [...fleet.touched.values()].map((devices) => devices.size);
  expect(sizes.length).toBe(2);
  expect(sizes[0]).toBeLessThan(20);
  expect(records().filter(({ type }) => type === "offer").length).toBe(2);
  expect(records().at(-1)).toMatchObject({ type: "complete" });
  const show = await runCommand(["rollout", "show", journal]);
  expect(show.stdout).toMatch(/Z stage 1 of 2 \(10%\) is offered, number 1\/1\n/);
  expect(show.stdout).toMatch(/records, each follows from the one before; no process runs the rollout\n$/);
});

test("an image that fails stops the rollout: the offer is withdrawn, and the devices are named", async () => {
  await begin(40, (index) => (index % 4 === 0 ? BAD : GOOD));
  const args = ["--rollout", "20%,100%", "--hold", "600", "--abort-min", "1", "--abort-on", "2%"];
  const { exitCode, stderr } = await line.deploy(args);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/error\[rollout\/stopped\]: stage 1 of 2 \(20%\) stopped: too many devices failed/);
  expect(stderr).toContain("delivery/self-test-failed");
  expect(touched().length).toBeLessThan(40);
  await expect.poll(() => fleet.withdrawals).toBe(1);
  expect(records().at(-1)).toMatchObject({ type: "stopped", reason: "failures" });
  // Exactly those that failed get it again.
  const failed = records().flatMap(({ type, device, end }) => (type === "ended" && end === "failed" ? [device] : []));
  const before = new Map(fleet.touched);
  const retry = await line.deploy(["--retry-failed", journal, "--abort-on", "100%"]);
  expect(retry.exitCode).toBe(0);
  const again = [...fleet.touched].filter(([number]) => !before.has(number)).flatMap(([, devices]) => [...devices]);
  expect(again.sort()).toEqual(failed.sort());
});

test("a rollout that waits ends after its stage; it goes on when somebody continues it, and can be withdrawn", async () => {
  await begin(20, () => GOOD);
  const first = await line.deploy(["--rollout", "50%,90%,100%", "--hold", "until-continued"]);
  expect(first.exitCode).toBe(0);
  expect(first.stderr).toContain(`tinybms-ota rollout continue ${journal}`);
  const again = await line.deploy(["--rollout", "50%,100%"]);
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain("error[journal/exists]");
  const second = await line.run(["rollout", "continue", journal]);
  expect(second.exitCode).toBe(0);
  expect(
    records()
      .filter(({ type }) => type === "offer")
      .map(({ stage }) => stage),
  ).toEqual([0, 1]);
  const withdrawn = await line.run(["rollout", "withdraw", journal]);
  expect(withdrawn.exitCode).toBe(1);
  expect(withdrawn.stderr).toContain("somebody withdrew it");
  await expect.poll(() => fleet.withdrawals).toBe(1);
});

test("a journal that was edited, or is about another release, is refused with the reason", async () => {
  await begin(5, () => GOOD);
  expect((await line.deploy(["--rollout", "100%"])).exitCode).toBe(0);
  const text = readFileSync(journal, "utf8");
  writeFileSync(journal, text.replace('"end":"confirmed"', '"end":"failed"'));
  const edited = await line.deploy(["--resume", journal]);
  expect(edited.exitCode).toBe(2);
  expect(edited.stderr).toMatch(/error\[journal\/damaged\]: .*1\.2\.3\.jsonl:\d+: the journal was changed/);
  const missing = await line.deploy(["--resume", join(line.folder, "none.jsonl")]);
  expect(missing.stderr).toContain("it does not exist");
  // Torn at its end: it goes on.
  writeFileSync(journal, text.slice(0, -10));
  const torn = await line.deploy(["--resume", journal]);
  expect(torn.exitCode).toBe(0);
  expect(readFileSync(journal, "utf8").split("\n").at(-2)).toContain('"type":"complete"');
});

test("a rollout that goes on says the same of the restart as before", async () => {
  await begin(20, () => GOOD);
  const restart = ["--install-after", "2026-03-01T02:00:00Z", "--between", "22:00-02:00", "--clockless", "install"];
  const limits = ["--restart-spread", "7", "--probation-max", "60"];
  const first = await line.deploy(["--rollout", "50%,100%", "--hold", "until-continued", ...restart, ...limits]);
  expect(first.exitCode).toBe(0);
  for (const args of [
    restart.slice(0, 2),
    restart.slice(2, 4),
    restart.slice(4),
    limits.slice(0, 2),
    limits.slice(2),
  ]) {
    const refused = await line.deploy(["--resume", journal, ...args]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining(`${args[0]} has no effect: the journal has it`),
    ]);
  }
  expect((await line.run(["rollout", "continue", journal])).exitCode).toBe(0);
  const offers = readJournal(readFileSync(journal, "utf8"), journal).records.flatMap((record) =>
    record.type === "offer" ? [...envelopesOf(record.offer).values()].map(offerIn) : [],
  );
  expect(offers.length).toBe(2);
  for (const offer of offers) {
    expect(offer).toMatchObject({
      install_after: "2026-03-01T02:00:00Z",
      between: { start_minute: 22 * 60, minutes: 240 },
      restart_spread_ms: 7_000,
      probation_max_ms: 60_000,
    });
    expect(offer).not.toHaveProperty("critical");
  }
});

test("options that a rollout can't follow are refused before anything is sent", async () => {
  for (const [args, text] of [
    [["--rollout", "50%,10%"], "must widen"],
    [["--rollout", "10"], "percentage"],
    [["--rollout", "10%", "--expect", "3"], "--expect has no effect"],
    [["--rollout", "10%", "--mode", "blob"], "one delivery in chunks"],
    [["--hold", "3"], "--hold has no effect"],
    [["--rollout", "10%", "--resume", "x"], "can't be combined"],
  ] as const) {
    const { exitCode, stderr } = await line.deploy(args);
    expect([args, exitCode]).toEqual([args, 2]);
    expect(stderr).toContain(text);
  }
  expect(existsSync(journal)).toBe(false);
});
