import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clang, hostProgram } from "./device-c-build.ts";

const CORPUS = join(import.meta.dirname, "..", "components", "tinybms_ota", "host", "corpus");

/** How long each fuzzer goes on: for a number of inputs, and in the gate (`.ci/run`) for a time in seconds after them. */
const LIMITS: readonly string[] = [
  "-runs=20000",
  ...[process.env.TINYBMS_FUZZ_SECONDS].flatMap((seconds) =>
    seconds === undefined ? [] : [`-max_total_time=${Number(seconds)}`],
  ),
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(clang === undefined).each(["fuzz_json", "fuzz_envelope", "fuzz_events"])("%s finds no fault", (fuzzer) => {
  const corpus = join(folder, fuzzer);
  cpSync(CORPUS, corpus, { recursive: true });
  for (const limit of LIMITS) {
    const options = ["-seed=1", limit, "-max_len=4096", `-artifact_prefix=${folder}/`, corpus];
    const { status, stderr } = spawnSync(hostProgram(fuzzer), options, { encoding: "utf8" });
    expect(status, stderr.slice(-4000)).toBe(0);
  }
});
