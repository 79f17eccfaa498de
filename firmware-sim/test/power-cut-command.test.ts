import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { replayLine, writeReports } from "../src/commands/power-cut-report.ts";
import { replayPoint } from "../src/power-cut/replay.ts";

let folder = "";
const app = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1 });
const update = buildAppImage({ version: "2.0.0", sizeBytes: 8192, seed: 2 });
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-power-cut-"));
  await writeFile(file("app.bin"), app);
  await writeFile(file("update.bin"), update);
  await writeFile(file("short.bin"), update.subarray(0, 5000));
  await writeFile(
    file("factory.csv"),
    [
      "nvs,     data, nvs,     0x9000,  0x4000",
      "otadata, data, ota,     0xd000,  0x2000",
      "factory, app,  factory, 0x10000, 0x10000",
      "ota_0,   app,  ota_0,   0x20000, 0x10000",
      "ota_1,   app,  ota_1,   0x30000, 0x10000",
    ].join("\n"),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function powerCut(args: readonly string[], isTerminal = false, signal?: AbortSignal): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: isTerminal })];
  const io = { stdout, stderr, env: { NO_COLOR: "1" }, signal: signal ?? new AbortController().signal };
  const code = await runSimCli(["power-cut", ...args], io);
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { code, out: text(stdout), err: text(stderr) };
}

const files = () => [
  "--app",
  file("app.bin"),
  "--update",
  file("update.bin"),
  "--partition-table",
  file("factory.csv"),
];

test("--json prints one document with consistent numbers", async () => {
  const { code, out, err } = await powerCut([
    ...files(),
    "--points",
    "400",
    "--pairs",
    "50",
    "--run",
    "update",
    "--json",
  ]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const result = JSON.parse(out);
  expect(result).toMatchObject({ violations: [], wornSectors: 10 });
  const { old, new: updated, unprotectedBoot } = result.outcomes;
  expect(old + updated + unprotectedBoot).toBe(result.points);
  expect(result.points - result.pairs).toBe(400);
  expect(Object.values<number>(result.variants).reduce((sum, count) => sum + count, 0)).toBe(result.points);
  expect(result.durationMs).toBeGreaterThan(0);
});

test("accepts a partition table at another offset", async () => {
  await writeFile(
    file("moved.csv"),
    "t,partition_table,primary,N/A,N/A\nnvs,data,nvs,,16K\nota,data,ota,,8K\na,app,ota_0,,64K\nb,app,ota_1,,64K\n",
  );
  const table = ["--partition-table", file("moved.csv"), "--partition-table-offset", "0xa000"];
  const images = ["--app", file("app.bin"), "--update", file("update.bin")];
  const { code, out, err } = await powerCut([...images, ...table, "--points", "20", "--pairs", "2", "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(JSON.parse(out)).toMatchObject({ violations: [] });
});

test("shows a progress bar on a terminal, and a summary for people", async () => {
  const { code, out, err } = await powerCut([...files(), "--points", "100", "--pairs", "10", "--jobs", "1"], true);
  expect(code).toBe(0);
  expect(err).toMatch(/█+░* {2}\d+ % {2}\d+ cuts, \d+ a second/u);
  expect(err.endsWith("\r\u001b[K")).toBe(true);
  expect(out).toMatch(/unprotected-boot \d+/);
  expect(out.trimEnd().endsWith("every invariant held")).toBe(true);
});

test("--replay replays one point and prints every step", async () => {
  const { code, out } = await powerCut([...files(), "--replay", "update:14:mix-50:7+9:done:3", "--json"]);
  expect(code).toBe(0);
  const { outcome, trace, violations } = JSON.parse(out);
  expect({ outcome, violations }).toEqual({ outcome: "old", violations: [] });
  expect(trace.slice(0, 2).map(({ cut }: { cut: unknown }) => cut)).toEqual([
    { operation: 14, variant: "mix-50", seed: 7 },
    { operation: 9, variant: "done", seed: 3 },
  ]);
  expect(trace.at(-1)).toMatchObject({ entry: { type: "state", state: "confirmed" } });
});

test("ends on an interrupt", async () => {
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 300);
  expect((await powerCut(files(), false, interrupt.signal)).code).toBe(130);
});

test.for([
  { what: "a point that is none", args: ["--replay", "update:1"], error: "simulation/invalid-fault" },
  { what: "an operation beyond the run", args: ["--replay", "update:99999:done:1"], error: "simulation/invalid-fault" },
  { what: "a tear of the other kind", args: ["--replay", "update:1:mix-50:1"], error: "simulation/invalid-fault" },
  { what: "a missing file", args: ["--update", "absent.bin"], error: "simulation/file-unreadable" },
  { what: "no points", args: ["--points", "0"], error: "arguments/invalid" },
])("reports $what in a sentence and exits with 2", async ({ args, error }) => {
  const { code, err } = await powerCut([...files(), ...args]);
  expect(code).toBe(2);
  expect(err).toContain(`error[${error}]: `);
});

test("reports an incomplete image in a sentence and exits with 2", async () => {
  const { code, err } = await powerCut(["--app", file("app.bin"), "--update", file("short.bin")]);
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(/^error\[image\//) });
});

test("writes the flash, the trace and the replay command of a violation", async () => {
  const options = {
    app: file("app.bin"),
    update: file("update with a space.bin"),
    partitionTable: file("factory.csv"),
    run: "both",
    points: "all",
    seed: 1,
    jobs: 1,
    output: file("report"),
  } as const;
  const scenario = { from: { app }, to: update, seed: 1 };
  const point = "update:15:all-zero:7";
  const at = { invariant: "bootable", message: "nothing boots", point, variant: "all-zero", seed: 7 } as const;
  expect(await writeReports(options, scenario, [])).toBeUndefined();
  expect(await writeReports(options, scenario, [at, { ...at, invariant: "flash", message: "bits" }])).toBe(
    file("report"),
  );
  const own = join(file("report"), "1-bootable");
  expect((await readdir(own)).sort()).toEqual(["flash.bin", "trace.jsonl", "violation.txt"]);
  const told = await readFile(join(own, "violation.txt"), "utf8");
  expect(told).toBe(`${point}\nbootable: nothing boots\nflash: bits\n${replayLine(options, point)}\n`);
  expect(told).toContain(`--update '${file("update with a space.bin")}' `);
  const replay = replayPoint(scenario, {
    kind: "cuts",
    run: "update",
    cuts: [{ operation: 15, variant: "all-zero", seed: 7 }],
  });
  expect(new Uint8Array(await readFile(join(own, "flash.bin")))).toEqual(replay.flash);
  const lines = (await readFile(join(own, "trace.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(replay.trace)));
});
