import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { connect } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BrokerCheck } from "../src/broker-check/check-broker.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "./mosquitto-broker.ts";
import { type CliRun, runCommand } from "./release-line.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";

/** Long enough for a busy machine; a broker that answers makes nobody wait for it. */
const PATIENT = ["--timeout", "120"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-broker-check-"));
});

afterAll(async () => {
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

async function check(url: string, ...args: readonly string[]): Promise<CliRun & { readonly check: BrokerCheck }> {
  const run = await runCommand(["broker-check", url, "--json", ...args]);
  return { ...run, check: JSON.parse(run.stdout) };
}

function failuresOf({ probes }: BrokerCheck): Record<string, string> {
  return Object.fromEntries(probes.filter(({ passed }) => !passed).map(({ name, found }) => [name, found]));
}

test("the embedded broker passes every probe", async () => {
  const broker = await startEmbeddedBroker({ port: 0 });
  const run = await check(broker.url, ...PATIENT);
  await broker.close();
  expect(failuresOf(run.check)).toEqual({});
  expect(run.exitCode).toBe(0);
  expect(run.check.probes).toHaveLength(9);
});

test.skipIf(isAbsent)(`a default Mosquitto passes every probe, and no message stays behind${WHY}`, async () => {
  const broker = await startMosquitto(folder);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const run = await check(url, ...PATIENT);
  const client = connect(url);
  const found: string[] = [];
  client.on("message", (topic) => found.push(topic));
  await client.subscribeAsync("tinybms/#");
  await client.publishAsync("tinybms/fence", "", { qos: 1 });
  await expect.poll(() => found).toContain("tinybms/fence");
  await client.endAsync();
  await broker.kill();
  expect(failuresOf(run.check)).toEqual({});
  expect(run.exitCode).toBe(0);
  expect(found).toEqual(["tinybms/fence"]);
});

/** A fault of a broker: the lines of Mosquitto's configuration that cause it. */
interface BrokerFault {
  readonly lines: readonly string[];
  /** Rules of the access list; without them there is no list. */
  readonly access?: readonly string[];
  /** Probes that fail, and what each finds. Those that are not tried are left out. */
  readonly found: Readonly<Record<string, RegExp>>;
}

const OPS = ["user ops", "topic readwrite bench/ota/#"];
const PUBLISHER_ALONE = /is (acknowledged, but )?not delivered|does not send/;

const FAULTS: Readonly<Record<string, BrokerFault>> = {
  "retained messages off": {
    lines: ["retain_available false"],
    found: { limits: /^it retains no messages$/, retained: /retained message is not acknowledged/ },
  },
  "packets of 4096 bytes": {
    lines: ["max_packet_size 4096"],
    found: {
      limits: /^it accepts packets of at most 4096 bytes$/,
      "hash list": /16384 bytes is not acknowledged/,
      chunk: /^a chunk for all devices is not acknowledged; the broker closed the connection$/,
    },
  },
  "messages of 4096 bytes": {
    lines: ["message_size_limit 4096"],
    found: { "hash list": /16384 bytes is not delivered/, chunk: /^a chunk for all devices is not delivered/ },
  },
  "QoS 0 alone": {
    lines: ["max_qos 0"],
    found: { limits: /^it accepts only QoS 0$/, requests: /QoS 1 is not granted/, retained: /./, chunk: /not granted/ },
  },
  "a queue of two messages": {
    lines: ["max_inflight_messages 1", "max_queued_messages 2"],
    found: { burst: /\d+ of 300 chunks arrived/ },
  },
  "an access list that denies devices everything": {
    lines: [],
    access: OPS,
    found: { requests: /acknowledged, but not delivered/, retained: PUBLISHER_ALONE, chunk: PUBLISHER_ALONE },
  },
  "an access list that denies devices to write": {
    lines: [],
    access: [...OPS, "user device", "topic read bench/ota/#"],
    found: { requests: /acknowledged, but not delivered/, will: /^the broker does not publish the will$/ },
  },
  "an access list that denies publishers to read": {
    lines: [],
    access: ["user ops", "topic write bench/ota/#", "user device", "topic readwrite bench/ota/#"],
    found: { requests: /acknowledged, but not delivered/, retained: /^the publisher does not receive/ },
  },
};

/** Settings and rules that advice names, as lines of Mosquitto's configuration and of its access list. */
function linesOfAdvice({ probes }: BrokerCheck): { readonly settings: string[]; readonly rules: string[] } {
  const advice = probes.map((probe) => probe.advice ?? "").join("; ");
  const settings = [...advice.matchAll(/Mosquitto: ([^)]+)\)/g)].flatMap(([, list = ""]) => list.split(", "));
  const rules = [...advice.matchAll(/let (publishers|devices) (read and write|read|write) (T\/[^;\s]+)/g)].flatMap(
    ([, who, right = "", topic = ""]) => [
      `user ${who === "publishers" ? "ops" : "device"}`,
      `topic ${right.replace("read and write", "readwrite")} ${topic.replace("T/", "bench/ota/").replaceAll(/\{\w+\}/g, "+")}`,
    ],
  );
  return { settings, rules };
}

/** Replaces the lines of a configuration that set the same as one of `settings`. */
function withSettings(lines: readonly string[], settings: readonly string[]): string[] {
  const byName = new Map([...lines, ...settings].map((line) => [line.split(" ")[0], line]));
  return [...byName.values()];
}

/** Checks a Mosquitto with these lines, once for a publisher `ops` and a device `device`. */
async function checkWith(lines: readonly string[], access: readonly string[] | undefined, args: readonly string[]) {
  const acl = join(folder, "acl");
  if (access !== undefined) writeFileSync(acl, [...access, ""].join("\n"));
  const list = access === undefined ? [] : [`acl_file ${acl}`];
  const broker = await startMosquitto(folder, ["allow_anonymous true", ...list, ...lines]);
  const at = (user: string): string => `mqtt://${user}@127.0.0.1:${broker.port}`;
  const run = await check(at("ops"), "--topic", "bench/ota", "--device-broker", at("device"), ...args);
  await broker.kill();
  return run;
}

test.skipIf(isAbsent).for(Object.entries(FAULTS))(
  `names %s, and passes once its advice is followed${WHY}`,
  async ([, { lines, access, found }]) => {
    const { exitCode, check: first } = await checkWith(lines, access, ["--timeout", "3"]);
    const failures = failuresOf(first);
    expect(exitCode).toBe(1);
    for (const [name, pattern] of Object.entries(found)) expect(failures[name]).toMatch(pattern);
    const tried = first.probes.filter(({ found: text }) => !text.startsWith("not tried"));
    for (const { passed, advice } of tried) expect(advice !== undefined).toBe(!passed);

    // Advice for one probe may let the next ones run, which have advice of their own.
    const settings: string[] = [];
    const rules: string[] = [];
    let latest = first;
    for (let round = 1; !latest.passed && round <= 3; round++) {
      const advised = linesOfAdvice(latest);
      settings.push(...advised.settings);
      rules.push(...advised.rules);
      const list = access && [...access, ...rules];
      latest = (await checkWith(withSettings(lines, settings), list, round === 1 ? ["--timeout", "10"] : PATIENT))
        .check;
    }
    expect(failuresOf(latest)).toEqual({});
  },
);

test.skipIf(isAbsent)(`prints topics below the topic root that was checked${WHY}`, async () => {
  const acl = join(folder, "acl-ops");
  writeFileSync(acl, [...OPS, ""].join("\n"));
  const broker = await startMosquitto(folder, ["allow_anonymous true", `acl_file ${acl}`]);
  const at = (user: string): string => `mqtt://${user}@127.0.0.1:${broker.port}`;
  const args = ["--topic", "bench/ota", "--device-broker", at("device"), "--timeout", "3"];
  const { exitCode, stdout } = await runCommand(["broker-check", at("ops"), ...args]);
  await broker.kill();
  expect(exitCode).toBe(1);
  expect(stdout).toContain("let devices write bench/ota/v1/device/{device}/request");
  expect(stdout).toMatch(/will +FAILED +not tried: see retained/);
});

test("reports an unreachable broker as deploy does", async () => {
  const { exitCode, check: document } = await check("mqtt://127.0.0.1:1", "--timeout", "1");
  expect(exitCode).toBe(1);
  expect(document).toMatchObject({ error: { code: "delivery/broker-unreachable" } });
});

test("unencrypted credentials need --allow-insecure, and are not repeated", async () => {
  const { exitCode, stdout, stderr } = await check("mqtt://ops:swordfish@broker.example");
  expect(exitCode).toBe(2);
  expect(stdout).toContain("arguments/insecure");
  expect(stdout + stderr).not.toContain("swordfish");
});
