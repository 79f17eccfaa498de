import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { makeDump, TWIN_NEW } from "./twin-board.ts";

let folder = "";
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-twin-"));
  await writeFile(file("dump.bin"), makeDump());
  await writeFile(file("bare.bin"), makeDump({ bootloader: null }));
  await writeFile(file("update.bin"), TWIN_NEW);
  await writeFile(file("other.bin"), buildAppImage({ chip: "esp32c3", sizeBytes: 8192 }));
  await writeFile(file("efuse.json"), '{ "secureVersion": 0, "chipRevision": "3.1", "secureBoot": false }');
  await writeFile(file("wrong.json"), '{ "secureVersion": 33 }');
  await writeFile(file("latin1.json"), Uint8Array.of(0xe9, 0x20));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function twin(args: readonly string[], isTerminal = false, signal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: isTerminal })];
  const code = await runSimCli(["twin", ...args], { stdout, stderr, env: { NO_COLOR: "1" }, signal });
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { code, out: text(stdout), err: text(stderr) };
}

const files = (flash = "dump.bin", update = "update.bin") => ["--flash", file(flash), "--update", file(update)];

test("exits with 0 for yes, and prints one JSON document", async () => {
  const { code, out, err } = await twin([...files(), "--efuse", file("efuse.json"), "--points", "96", "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const result = JSON.parse(out);
  expect(Object.keys(result).sort()).toEqual([
    "assumptions",
    "builds",
    "durationMs",
    "found",
    "idf",
    "points",
    "reasons",
    "update",
    "verdict",
    "violations",
  ]);
  expect(result).toMatchObject({ verdict: "yes", reasons: [], points: 96, violations: [] });
  expect(result.assumptions.join("\n")).not.toMatch(/revision|secure boot/);
});

test("shows a progress bar, then the board's content and the verdict, for people", async () => {
  const { code, out, err } = await twin([...files(), "--points", "40", "--jobs", "1"], true);
  expect(code).toBe(0);
  expect(err).toMatch(/█ 100 % {2}40 cuts, \d+ a second/u);
  expect(err.endsWith("\r\u001b[K")).toBe(true);
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toBe("board       esp32, 1 MiB of flash");
  expect(lines).toContain("ota_0       ota_0, 64 KiB: app 1.0.0, valid, runs");
  expect(lines.at(-1)).toMatch(/^yes: it survives this release {2}\(\d+\.\d s\)$/);
});

test.for<[what: string, args: () => readonly string[], code: number, verdict: string, reason: string]>([
  ["no", () => files("dump.bin", "other.bin"), 1, "no", "image/wrong-chip"],
  ["what can't be told", () => files("bare.bin"), 2, "cannot-tell", "image/not-bootable"],
])("has a separate exit code for %s", async ([, args, code, verdict, reason]) => {
  const json = await twin([...args(), "--json"]);
  expect(json.code).toBe(code);
  expect(JSON.parse(json.out)).toMatchObject({ verdict, reasons: [{ code: reason }], points: 0 });
  const { out } = await twin(args());
  expect(out).toContain(`${reason}  `);
});

test.for<[what: string, args: () => readonly string[], error: string]>([
  ["a file that is no dump", () => files("update.bin"), "image/unknown-format"],
  ["an update that is none", () => files("dump.bin", "efuse.json"), "image/unknown-format"],
  ["a missing file", () => files("absent.bin"), "simulation/file-unreadable"],
  ["a wrong eFuse", () => [...files(), "--efuse", file("wrong.json")], "simulation/efuse-invalid"],
  ["eFuses that are no text", () => [...files(), "--efuse", file("latin1.json")], "simulation/efuse-invalid"],
  ["no points", () => [...files(), "--points", "none"], "arguments/invalid"],
  ["no update", () => ["--flash", file("dump.bin")], "arguments/invalid"],
])("reports %s in a sentence and exits with 2", async ([, args, error]) => {
  const { code, err } = await twin(args());
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(`error[${error}]: `) });
  const json = await twin([...args(), "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ error: { code: error } });
});

test("ends on an interrupt", async () => {
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 200);
  expect((await twin([...files(), "--points", "all"], false, interrupt.signal)).code).toBe(130);
});
