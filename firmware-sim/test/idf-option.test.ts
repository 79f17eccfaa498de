// The options that name releases of ESP-IDF, as a user types them.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { makeBootloader } from "./twin-board.ts";

let folder = "";
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-idf-option-"));
  await writeFile(file("app.bin"), buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1, idfVersion: "v5.4.1" }));
  await writeFile(file("update.bin"), buildAppImage({ version: "2.0.0", sizeBytes: 8192, seed: 2 }));
  await writeFile(file("bootloader.bin"), makeBootloader({ idfVersion: "v5.1.7", spiSize: 2 }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function powerCut(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  stdout.on("data", (data: Buffer) => out.push(data));
  stderr.on("data", (data: Buffer) => err.push(data));
  const files = ["--app", file("app.bin"), "--update", file("update.bin"), "--bootloader", file("bootloader.bin")];
  const few = ["--points", "5", "--pairs", "1", "--jobs", "1", "--output", file("report")];
  const io = { stdout, stderr, env: {}, signal: new AbortController().signal };
  const code = await runSimCli(["power-cut", ...files, ...few, ...args], io);
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

test("reads the releases from the images without options, and names assumptions", async () => {
  const { code, out, err } = await powerCut("--json");
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(JSON.parse(out).idf).toEqual({
    app: { release: "5.3.5", version: "v5.4.1", assumed: true },
    bootloader: { release: "5.1.7", version: "v5.1.7", assumed: false },
  });
  const { out: text } = await powerCut();
  expect(text).toContain("ESP-IDF of the app 5.3.5 (assumed: the nearest to v5.4.1), of the bootloader 5.1.7\n");
});

test("resolves a branch in --idf and --bootloader-idf to its newest known release", async () => {
  const { code, out } = await powerCut("--idf", "5.5", "--bootloader-idf", "4.4", "--app-rollback", "off", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out).idf).toMatchObject({ app: { release: "5.5.5" }, bootloader: { release: "4.4.8" } });
});

test.for(["--idf", "--bootloader-idf"])(
  "%s refuses what is no version, and lists the known releases",
  async (option) => {
    const { code, err } = await powerCut(option, "newest");
    expect(code).toBe(2);
    expect(err).toContain("error[arguments/invalid]");
    expect(err).toContain("4.4.8, 5.1.7, 5.3.5, 5.5.1, 5.5.5, 6.0.2, 6.2-dev");
  },
);
