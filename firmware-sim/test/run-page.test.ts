// tinybms-sim run --html FILE: a page of devices that ran in real time over a broker.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { createDevice, publishImage } from "../src/index.ts";
import type { ReplayLane } from "../src/replay-page/replay-document.ts";
import { RunPage } from "../src/replay-page/run-page.ts";
import { HAS_CHROMIUM, openInChromium } from "./chromium.ts";
import { publishOver } from "./mqtt-publisher.ts";
import { dataOf, messages, sectorsOf } from "./page-data.ts";

const NEEDS = HAS_CHROMIUM ? "" : " (skipped: needs chromium, see scripts/system-tools.txt)";
const TOPIC = "tinybms/gateway/ota";
const CHUNKS = 16;
// Its last chunk is not a whole sector.
const IMAGE = buildAppImage({
  version: "2.0.0",
  projectName: "tinybms-gateway",
  sizeBytes: CHUNKS * 4096 - 512,
  seed: 2,
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-run-page-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Running {
  /** URL of the embedded broker. */
  readonly url: Promise<string>;
  readonly ended: Promise<{ readonly code: number; readonly err: string }>;
}

function run(args: readonly string[], signal: AbortSignal = new AbortController().signal): Running {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdout.resume();
  const url = new Promise<string>((resolve) => {
    let seen = "";
    stderr.on("data", (data) => {
      seen += data;
      const [, found] = / on (mqtt:\S+),/.exec(seen) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const err = text(stderr);
  const code = runSimCli(["run", "--broker", "embedded://127.0.0.1:0", ...args], {
    stdout,
    stderr,
    env: {},
    signal,
  }).finally(() => {
    stdout.end();
    stderr.end();
  });
  return { url, ended: code.then(async (value) => ({ code: value, err: await err })) };
}

async function lanesOf(file: string): Promise<readonly ReplayLane[]> {
  return dataOf(await readFile(file, "utf8")).lanes;
}

test("writes what devices and publishers of a delivery sent, their lives, and their flash", async () => {
  const file = join(folder, "delivery.html");
  const fault = "bench-2:power-cut@at=50%,moment=after";
  const args = ["--devices", "2", "--until", "settled", "--timeout", "60", "--fault", fault, "--html", file];
  const { url, ended } = run(args);
  const sender = publishImage({ image: IMAGE, topicRoot: TOPIC, product: "TinyBMS Web Gateway", sequence: 2 });
  const stop = await publishOver(await url, TOPIC, sender);
  expect(await ended).toMatchObject({ code: 0 });
  await stop();

  const { title, verdict, lanes, omitted, endMs } = dataOf(await readFile(file, "utf8"));
  expect({ title, verdict, omitted }).toEqual({
    title: "Run of 2 devices",
    verdict: { isGood: true, text: "2 confirmed" },
    omitted: [],
  });
  const [, publishers, ...devices] = lanes;
  expect(lanes.map(({ name }) => name)).toEqual(["world", "publishers", "bench-1", "bench-2"]);
  const chunks = publishers?.sent.filter(([, kind]) => kind === 2) ?? [];
  expect(chunks.reduce((sum, [, , count]) => sum + count, 0)).toBeGreaterThanOrEqual(CHUNKS);
  expect(chunks.reduce((sum, [, , , bytes]) => sum + bytes, 0)).toBeGreaterThan(IMAGE.length);
  expect(publishers?.marks).toHaveLength(1);
  for (const device of devices) {
    expect(device.received.map(([, kind]) => kind)).toEqual(expect.arrayContaining([0, 1, 2]));
    expect(messages(device, "sent")).toBeGreaterThan(3);
    expect(device.states[0]).toEqual([0, "off"]);
    expect(device.states.at(-1)?.[1]).toBe("confirmed");
    expect(device.states.every(([at]) => at <= endMs)).toBe(true);
    expect(device.flash?.start).not.toContain("2");
    expect(sectorsOf(device, "ota_1")).toBe("2".repeat(CHUNKS));
    expect(sectorsOf(device, "ota_0")).toBe("1".repeat(64));
  }
  const kinds = devices.map(({ marks }) => marks.map(([, kind]) => kind).filter((kind) => kind !== "connection"));
  expect(kinds).toEqual([
    ["boot", "boot"],
    ["boot", "cut", "boot", "boot"],
  ]);
});

test("writes the page when it is interrupted", async () => {
  const file = join(folder, "interrupted.html");
  const interrupt = new AbortController();
  const { url, ended } = run(["--html", file], interrupt.signal);
  await url;
  interrupt.abort();
  expect(await ended).toMatchObject({ code: 130 });
  const { facts, lanes } = dataOf(await readFile(file, "utf8"));
  expect(facts).toContainEqual(["end", "interrupted"]);
  expect(lanes.at(-1)?.marks[0]?.[1]).toBe("boot");
});

test("starts nothing if the page can't be written", async () => {
  const { code, err } = await run(["--html", join(folder, "missing", "page.html")]).ended;
  expect(code).toBe(2);
  expect(err).toContain("simulation/file-unwritable");
  expect(err).not.toContain("embedded");
  expect(await readdir(folder)).not.toContain("missing");
});

test("is bounded, and says from when on what is missing", async () => {
  const devices = Array.from({ length: 30 }, (_, index) => createDevice({ id: `d-${index}`, app: IMAGE }));
  const page = new RunPage(devices);
  const watches = devices.map((device) => page.watch(device));
  const topic = topicsOf(TOPIC).state("d-0");
  const start = performance.now();
  for (let at = 0; at < 10_000; at++) {
    const now = start + at * 100;
    watches[0]?.onNetwork({ type: "publish", now, topic, payload: new Uint8Array(100) });
    watches[29]?.onNetwork({ type: "publish", now, topic, payload: new Uint8Array(100) });
    watches[0]?.onLog({ type: "state", now, device: "d-0", state: at % 2 === 0 ? "idle" : "checking" });
    page.addPublished({ clientId: `publisher-${at}`, topic: topicsOf(TOPIC).offer, sizeBytes: 9 });
  }
  const file = join(folder, "bounded.html");
  await page.write(file, { title: "", facts: [], verdict: { isGood: true, text: "" } });
  const { lanes, omitted } = dataOf(await readFile(file, "utf8"));
  expect(lanes.filter(({ type }) => type === "device")).toHaveLength(24);
  expect(lanes.every(({ sent, marks, states }) => sent.length <= 4_000 && marks.length + states.length <= 2_000)).toBe(
    true,
  );
  expect(omitted).toEqual([
    "6 devices have no lane: the run is too large.",
    expect.stringMatching(/^\d{4} marks and states are missing, all after \d+\.\d s: the run is too large\.$/),
    expect.stringMatching(/^6000 messages have no arrow, all after 40\d\.\d s: the run is too large\.$/),
  ]);
});

test("keeps apart devices that are called as the other lanes", async () => {
  const devices = ["world", "publishers"].map((id) => createDevice({ id, app: IMAGE }));
  const page = new RunPage(devices);
  page.addPublished({ clientId: "someone", topic: topicsOf(TOPIC).offer, sizeBytes: 9 });
  const file = join(folder, "names.html");
  await page.write(file, { title: "", facts: [], verdict: { isGood: true, text: "" } });
  const names = (await lanesOf(file)).map(({ name, type }) => `${type} ${name}`);
  expect(names).toEqual(["world world", "publisher publishers", "device world", "device publishers"]);
});

test.skipIf(!HAS_CHROMIUM)(`draws in Chromium without an error${NEEDS}`, async () => {
  await using page = await openInChromium(join(folder, "delivery.html"));
  const lanes = await lanesOf(join(folder, "delivery.html"));
  const count = (selector: string) => page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  expect(await count(".device")).toBe(2);
  expect(await count("svg .mark")).toBe(lanes.reduce((sum, { marks }) => sum + marks.length, 0));
  expect(await count(`.device [data-paint="new image"]`)).toBe(2 * CHUNKS);
  await page.evaluate(`slider.value = "0"; slider.dispatchEvent(new Event("input"))`);
  expect(await count(`.device [data-paint="new image"]`)).toBe(0);
  expect(await page.evaluate(`document.getElementById("events").textContent`)).not.toContain("NaN");
  expect(page.messages).toEqual([]);
});
