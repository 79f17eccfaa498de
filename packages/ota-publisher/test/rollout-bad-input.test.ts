import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { EMPTY_JOURNAL, journalLine, type RolloutRecord, readJournal, rolloutOf } from "@tinybms/ota-core/rollout";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine } from "./deploy-line.ts";
import { GOOD, type LightFleet, startLightFleet } from "./light-fleet.ts";

const TOPIC = "bench/ota";

let line: DeployLine;
let broker: EmbeddedBroker;
let fleet: LightFleet | undefined;
let journal: string;

beforeEach(async () => {
  broker = await startEmbeddedBroker();
  line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC, client_id: "publisher" } }, ["mqtt"]);
  journal = join(line.folder, "rollouts", "1.2.3.jsonl");
});

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
  await broker.close();
  line.remove();
});

async function begin(count: number): Promise<void> {
  const stories = Array.from({ length: count }, (_, index) => [`gw-${index}`, GOOD] as const);
  fleet = await startLightFleet(broker.url, TOPIC, new Map(stories));
}

const linesOf = (): readonly string[] => readFileSync(journal, "utf8").split("\n").slice(0, -1);

/** Writes records as a journal whose hashes are right. */
function writeRecords(records: readonly RolloutRecord[]): void {
  let { hash } = EMPTY_JOURNAL;
  let text = "";
  for (const record of records) {
    const next = journalLine(hash, record);
    text += next.line;
    hash = next.hash;
  }
  mkdirSync(dirname(journal), { recursive: true });
  writeFileSync(journal, text);
}

/** A rollout that waits after its first stage. */
async function held(): Promise<void> {
  await begin(10);
  const { exitCode } = await line.deploy(["--rollout", "50%,100%", "--hold", "until-continued"]);
  expect(exitCode).toBe(0);
}

async function refusal(): Promise<string> {
  const before = readFileSync(journal, "utf8");
  const offers = fleet?.touched.size;
  const { exitCode, stderr } = await line.deploy(["--resume", journal]);
  expect(exitCode).toBe(2);
  expect(readFileSync(journal, "utf8"), "the journal is left as it was").toBe(before);
  expect(fleet?.touched.size, "nothing is offered").toBe(offers);
  return stderr;
}

test("names the line after one that was changed in the middle of a journal", async () => {
  await held();
  const changed = linesOf().with(1, (linesOf()[1] ?? "").replace('"stage":0', '"stage":1'));
  writeFileSync(journal, `${changed.join("\n")}\n`);
  expect(await refusal()).toContain(
    `error[journal/damaged]: ${journal}:3: the journal was changed after it was written`,
  );
});

test("refuses the journal of another product, topic, version or image", async () => {
  await held();
  const { records } = readJournal(readFileSync(journal, "utf8"), journal);
  const first = rolloutOf({ ...EMPTY_JOURNAL, records });
  if (first === undefined) throw new Error("the journal holds no rollout");
  const others = { product: "pump", topic: "other/ota", version: "9.9.9", image: "ef".repeat(32) };
  for (const [member, value] of Object.entries(others)) {
    writeRecords([{ ...first, subject: { ...first.subject, [member]: value } }, ...records.slice(1)]);
    expect(await refusal()).toContain(`error[journal/other-release]: ${journal} is about ${member} ${value}, not`);
  }
});

test("refuses a journal that a newer version of the tool wrote", async () => {
  await held();
  writeFileSync(journal, readFileSync(journal, "utf8").replaceAll('"journal":1', '"journal":2'));
  expect(await refusal()).toContain(`error[journal/newer]: ${journal} has form 2`);
});

test("refuses a journal whose stages narrow, although its hashes are right", async () => {
  await held();
  const { records } = readJournal(readFileSync(journal, "utf8"), journal);
  const [first, ...rest] = records;
  if (first?.type !== "rollout") throw new Error("the journal holds no rollout");
  writeRecords([{ ...first, plan: { ...first.plan, stages: [1000, 500] } }, ...rest]);
  expect(await refusal()).toContain(`${journal} has no valid plan: the stages 100%,50% must widen`);
});

test("begins a rollout in place of a journal whose first line was never whole", async () => {
  await begin(4);
  mkdirSync(dirname(journal), { recursive: true });
  writeFileSync(journal, '{"journal":1,"before":"00');
  expect(await refusal()).toContain("holds no rollout");
  expect((await line.deploy(["--rollout", "100%"])).exitCode).toBe(0);
  expect(linesOf().at(-1)).toContain('"type":"complete"');
});

test("refuses a second process that resumes a rollout which runs, and says what to do", async () => {
  await begin(6);
  const interrupt = new AbortController();
  const args = ["--rollout", "50%,100%", "--hold", "3600"];
  const running = line.deploy(args, { signal: interrupt.signal });
  await expect.poll(() => linesOf().at(-1)).toContain('"type":"settled"');
  const second = await line.deploy(["--resume", journal]);
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain("error[package/locked]");
  expect(second.stderr).toContain("tinybms-ota rollout pause, continue and withdraw tell it what to do");
  // Of two that resume at once, one goes on.
  interrupt.abort();
  expect((await running).exitCode).toBe(130);
  const both = [1, 2].map(() => line.deploy(["--resume", journal], { signal: AbortSignal.timeout(60_000) }));
  const first = await Promise.race(both);
  expect(first.stderr).toContain("error[package/locked]");
  const asked = await line.run(["rollout", "continue", journal]);
  expect(asked.stdout).toContain("asked to continue");
  expect((await Promise.all(both)).map(({ exitCode }) => exitCode).toSorted()).toEqual([0, 1]);
});

test("stops a rollout with a limit for failures if nobody is there, and leaves its offer", async () => {
  const args = ["--rollout", "50%,100%", "--abort-on", "0%", "--abort-min", "1", "--stage-timeout", "0.5"];
  const { exitCode, stderr } = await line.deploy(args);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[rollout/stopped]: stage 1 of 2 (50%) stopped: no device ended in time");
  expect(linesOf().map((text) => JSON.parse(text).type)).toEqual(["rollout", "offer", "stopped"]);
});
