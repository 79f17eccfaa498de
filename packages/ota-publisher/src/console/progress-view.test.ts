import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { CommandOutput } from "@tinybms/cli-kit/output";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ShownDevice } from "./device-text.ts";
import { createProgressView, type ProgressView } from "./progress-view.ts";

const DEVICE: ShownDevice = {
  device: "bench-1",
  state: "downloading",
  version: "1.2.2",
  slot: "ota_0",
  received: 5,
  total: 10,
  online: true,
  error: undefined,
  heardAtMs: 1,
  endedAtMs: undefined,
};

/** What a view writes while it is used, on a terminal or not. */
function show(
  options: { readonly isTTY: boolean; readonly quiet?: boolean },
  use: (view: ProgressView) => void,
): string {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const stderr = Object.assign(new Writable({ write, decodeStrings: false }), {
    isTTY: options.isTTY,
    columns: 120,
    getWindowSize: () => [120, 40],
  });
  const world = { stdout: stderr, stderr, env: {}, signal: new AbortController().signal };
  const view = createProgressView(new CommandOutput(world, { quiet: options.quiet ?? false }), 4096);
  use(view);
  view.stop();
  return text;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

test("without a terminal there is one plain line for each change of state", () => {
  const text = show({ isTTY: false }, (view) => {
    view.update(DEVICE);
    view.update({ ...DEVICE, received: 6 });
    view.update({ ...DEVICE, online: false });
    view.update({ ...DEVICE, state: "failed", error: { code: "delivery/flash-failed", message: "sector 3" } });
  });
  expect(text).toBe(
    "bench-1: downloading, 1.2.2 in ota_0\n" +
      "bench-1: downloading (offline), 1.2.2 in ota_0\n" +
      "bench-1: failed, 1.2.2 in ota_0, delivery/flash-failed: sector 3\n",
  );
});

test("with --quiet nothing is shown", () => {
  expect(show({ isTTY: true, quiet: true }, (view) => view.update(DEVICE))).toBe("");
});

test("on a terminal up to eight devices have a bar each", () => {
  const text = show({ isTTY: true }, (view) => {
    for (let index = 1; index <= 8; index++) view.update({ ...DEVICE, device: `bench-${index}` });
    view.update({ ...DEVICE, device: "bench-8", state: "confirmed", version: "1.2.3", slot: "ota_1" });
  });
  const lines = stripVTControlCharacters(text).split("\n");
  expect(
    lines.filter((line) => line.includes("50% bench-1  downloading      1.2.2 in ota_0; 20.5 kB of 41.0 kB")),
  ).not.toEqual([]);
  expect(lines.filter((line) => line.includes("100% bench-8  confirmed        1.2.3 in ota_1"))).not.toEqual([]);
});

test("more devices share one bar with the count of each state", () => {
  const text = show({ isTTY: true }, (view) => {
    for (let index = 1; index <= 9; index++) view.update({ ...DEVICE, device: `bench-${index}` });
    view.update({ ...DEVICE, device: "bench-9", state: "confirmed" });
  });
  expect(stripVTControlCharacters(text)).toContain("55% 9 devices: 8 downloading, 1 confirmed");
});

test("shows bytes, rate and remaining time of a download", () => {
  const text = show({ isTTY: true }, (view) => {
    view.update({ ...DEVICE, received: 0 });
    vi.advanceTimersByTime(1_000);
    view.update({ ...DEVICE, received: 5 });
  });
  expect(stripVTControlCharacters(text)).toContain("20.5 kB of 41.0 kB, 20.5 kB/s, 1 s left");
});

test("names the release that contains the image which a device runs", () => {
  const text = show({ isTTY: false }, (view) => {
    view.update({ ...DEVICE, releases: ["1.2.2", "1.2.2-again"] });
    view.update({ ...DEVICE, state: "failed", releases: [] });
  });
  expect(text).toBe("bench-1: downloading, 1.2.2, 1.2.2-again in ota_0\nbench-1: failed, (1.2.2) in ota_0\n");
});
