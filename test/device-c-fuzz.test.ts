import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clang, hostProgram } from "./device-c-build.ts";

const CORPUS = join(import.meta.dirname, "..", "components", "tinybms_ota", "host", "corpus");

/** Inputs that each fuzzer tries beyond its corpus. */
const RUNS = 20_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(clang === undefined).each(["fuzz_json", "fuzz_envelope", "fuzz_events"])("%s finds no fault", (fuzzer) => {
  const corpus = join(folder, fuzzer);
  cpSync(CORPUS, corpus, { recursive: true });
  const options = ["-seed=1", `-runs=${RUNS}`, "-max_len=4096", `-artifact_prefix=${folder}/`, corpus];
  const { status, stderr } = spawnSync(hostProgram(fuzzer), options, { encoding: "utf8" });
  expect(status, stderr.slice(-4000)).toBe(0);
});
