import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, onTestFinished, test } from "vitest";
import { PowerCutPage } from "../src/commands/power-cut-page.ts";
import { WorldPage } from "../src/commands/world-page.ts";
import { drawPlan } from "../src/fuzz/draw-plan.ts";
import { runPlan } from "../src/fuzz/run-plan.ts";
import { Timeline } from "../src/fuzz/timeline.ts";
import { WORLD_TOPIC_ROOT } from "../src/fuzz/world-board.ts";
import type { WorldPlan } from "../src/fuzz/world-plan.ts";
import { parsePoint } from "../src/power-cut/point-name.ts";
import { replayPoint } from "../src/power-cut/replay.ts";
import { renderReplayPage } from "../src/replay-page/render-replay-page.ts";
import type { ReplayDocument } from "../src/replay-page/replay-document.ts";
import { writeReplayPage } from "../src/replay-page/write-replay-page.ts";
import { HAS_CHROMIUM, openInChromium } from "./chromium.ts";
import { dataOf, messages } from "./page-data.ts";

const NEEDS = HAS_CHROMIUM ? "" : " (skipped: needs chromium, see scripts/system-tools.txt)";

/** A world with power cuts, a sleep, and a device whose power never returns. */
const PLAN = drawPlan(20, "ts");

function record(plan: WorldPlan): { readonly document: ReplayDocument; readonly timeline: Timeline } {
  const page = new WorldPage(plan);
  const timeline = new Timeline(WORLD_TOPIC_ROOT);
  const result = runPlan(plan, {
    onDevices: (devices) => page.begin(devices),
    onNetwork: (event) => {
      page.addNetwork(event);
      timeline.addNetwork(event);
    },
    onLog: (entry) => {
      page.addLog(entry);
      timeline.addLog(entry);
    },
    onStep: (step, nowMs) => page.addStep(step, nowMs),
  });
  return { document: page.result(result), timeline };
}

async function pageFile(document: ReplayDocument): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-page-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "replay.html");
  await writeReplayPage(file, document);
  return file;
}

test("has the lanes, messages, boots and states of the timeline", async () => {
  const { document, timeline } = record(PLAN);
  const { lanes } = dataOf(await renderReplayPage(document));
  expect(lanes.map(({ name }) => name)).toEqual(["world", "publishers", ...PLAN.devices.map(({ name }) => name)]);
  for (const lane of lanes.filter(({ type }) => type === "device")) {
    const own = timeline.entries.filter(({ who }) => who === lane.name);
    const count = (verb: RegExp) => own.reduce((sum, { what, count }) => sum + (verb.test(what) ? count : 0), 0);
    expect(messages(lane, "sent")).toBe(count(/^publishes /));
    expect(messages(lane, "received")).toBe(count(/^receives /));
    expect(messages(lane, "lost")).toBe(count(/^(?:loses, by|misses)/));
    expect(lane.marks.filter(([, kind]) => kind === "boot")).toHaveLength(count(/^boots /));
    expect(lane.states.some(([, state]) => state === "confirmed")).toBe(count(/^is confirmed/) > 0);
  }
  const steps = PLAN.steps.filter(({ type }) => type === "cut-power" || type === "die");
  const cuts = lanes[0]?.marks.filter(([, kind]) => kind === "cut") ?? [];
  expect(cuts.map(([atMs]) => atMs)).toEqual(steps.map(({ atMs }) => atMs));
});

test("shows how the new image comes into flash, sector by sector", () => {
  const { document } = record({ ...PLAN, steps: [], losses: [] });
  const { flash } = document.lanes.at(-1) ?? {};
  const before = flash?.partitions.slice(0, -1).reduce((sum, { shown }) => sum + shown, 0) ?? 0;
  const slot = flash?.partitions.at(-1);
  expect(slot).toMatchObject({ name: "ota_1", shown: PLAN.chunks });
  expect(flash?.start.slice(before)).toBe("0".repeat(PLAN.chunks));
  const contents = [...(flash?.start ?? "")];
  for (const [, sector, content] of flash?.changes ?? []) contents[sector] = String(content);
  expect(contents.slice(before).join("")).toBe("2".repeat(PLAN.chunks));
});

test("is one page without resources, and escapes what it is given", async () => {
  const { document } = record(PLAN);
  const evil = `</script><img src=x onerror=alert(1)>&"'$&`;
  const lanes = document.lanes.map((lane) => ({ ...lane, name: evil }));
  const page = await renderReplayPage({ ...document, title: evil, lanes });
  expect(page).not.toContain("<img");
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toMatch(/(?:src|href)="(?!data:,")|url\(|@import/);
  expect(dataOf(page)).toMatchObject({ title: evil });
});

test("leaves out what is too much, and says so", () => {
  const [first] = PLAN.devices;
  const devices = Array.from({ length: 60 }, (_, index) => ({ ...first, name: `device-${index + 1}` }));
  const { document } = record({ ...PLAN, devices, steps: [], losses: [] });
  expect(document.lanes.filter(({ type }) => type === "device")).toHaveLength(24);
  expect(document.omitted).toContain("36 devices have no lane: the run is too large.");
});

test("shows a power cut: what it tore, the device off, and the life after it", () => {
  const image = (version: string, seed: number) => buildAppImage({ version, sizeBytes: 32_768, seed });
  const [app, update] = [image("1.0.0", 1), image("2.0.0", 2)];
  const page = new PowerCutPage(update);
  const name = "update:60:subset-50:77";
  const options = { from: { app }, to: update, version: "2.0.0", seed: 1 };
  const { lanes, verdict } = page.result(name, replayPoint(options, parsePoint(name), page));
  expect(verdict).toEqual({ isGood: true, text: "every invariant holds" });
  const device = lanes.find(({ type }) => type === "device");
  const [atMs = 0] = device?.marks.find(([, kind]) => kind === "cut") ?? [];
  expect(device?.marks.filter(([, kind]) => kind === "boot").map(([at]) => at > atMs)).toEqual([false, true, true]);
  expect(device?.states).toContainEqual([atMs, "off"]);
  expect(device?.states.at(-1)?.[1]).toBe("confirmed");
  // Content 3 in an app slot is torn: neither erased nor a part of an image.
  const shown = device?.flash?.partitions.map((partition) => partition.shown) ?? [];
  const slot = shown.slice(0, -1).reduce((sum, count) => sum + count, 0);
  const contents = [...(device?.flash?.start ?? "")];
  for (const [at, sector, content] of device?.flash?.changes ?? []) if (at <= atMs) contents[sector] = String(content);
  expect(contents.slice(slot)).toContain("3");
});

test.skipIf(!HAS_CHROMIUM)(`draws in Chromium without an error, and follows the slider${NEEDS}`, async () => {
  const { document } = record(PLAN);
  const file = await pageFile(document);
  await using page = await openInChromium(file);
  const count = (selector: string) => page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  expect(await count("#names div")).toBe(document.lanes.length);
  expect(await count("svg .mark")).toBe(document.lanes.reduce((sum, { marks }) => sum + marks.length, 0));
  expect(await count(".device")).toBe(PLAN.devices.length);
  const written = `.device [data-paint="new image"]`;
  expect(await count(written)).toBeGreaterThan(0);
  await page.evaluate(`slider.value = "0"; slider.dispatchEvent(new Event("input"))`);
  expect(await page.evaluate(`time.textContent`)).toBe("0.000 s");
  expect(await count(written)).toBe(0);
  expect(await count(`.device [data-paint="old image"]`)).toBeGreaterThan(0);
  await page.evaluate(`zoom.value = "100"; zoom.dispatchEvent(new Event("input"))`);
  expect(await count("svg .mark")).toBeGreaterThan(0);
  expect(page.messages).toEqual([]);
  expect(await readFile(file, "utf8")).toContain("Content-Security-Policy");
});

test.skipIf(!HAS_CHROMIUM)(`runs nothing that its data holds${NEEDS}`, async () => {
  const { document } = record(PLAN);
  const evil = `"><img src=x onerror="document.title='run'">`;
  const lanes = document.lanes.map((lane) => ({ ...lane, name: evil, marks: [[0, "boot", evil] as const] }));
  await using page = await openInChromium(await pageFile({ ...document, lanes, facts: [[evil, evil]] }));
  expect(await page.evaluate(`document.querySelectorAll("img").length`)).toBe(0);
  expect(await page.evaluate(`document.title`)).toBe(document.title);
});
