import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clang, hostProgram } from "./device-c-build.ts";

const HOST = join(import.meta.dirname, "..", "components", "tinybms_ota", "host");

/** Fuzzers, what they start from, and the inputs that each tries: a list of events takes as long as many documents. */
const FUZZERS: readonly (readonly [name: string, corpora: readonly string[], runs: number])[] = [
  ["fuzz_json", ["corpus"], 20_000],
  ["fuzz_envelope", ["corpus"], 20_000],
  ["fuzz_events", ["corpus", "corpus-events"], 2_000],
];

/** How long each fuzzer goes on in the gate (`.ci/run`) after its usual inputs. */
const LIMITS: readonly string[] = [process.env.TINYBMS_FUZZ_SECONDS].flatMap((seconds) =>
  seconds === undefined ? [] : [`-max_total_time=${Number(seconds)}`],
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(clang === undefined).each(FUZZERS)("%s finds no fault", (fuzzer, corpora, runs) => {
  const corpus = join(folder, fuzzer);
  for (const name of corpora) cpSync(join(HOST, name), corpus, { recursive: true });
  for (const limit of [`-runs=${runs}`, ...LIMITS]) {
    const options = ["-seed=1", limit, "-max_len=4096", `-artifact_prefix=${folder}/`, corpus];
    const { status, stderr } = spawnSync(hostProgram(fuzzer), options, { encoding: "utf8" });
    expect(status, stderr.slice(-4000)).toBe(0);
  }
});
