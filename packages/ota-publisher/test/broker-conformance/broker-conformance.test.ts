import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasMosquitto, killMosquittos } from "../mosquitto-broker.ts";
import { ConformanceBench } from "./bench.ts";
import { mosquittoIn, type StartBroker, startEmbedded } from "./brokers-under-test.ts";
import { faultyBrokers } from "./faults.ts";
import type { Requirement } from "./requirement.ts";
import { REQUIREMENTS } from "./requirements.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";

/** Long enough for a busy machine; a broker that has the behavior makes nobody wait for it. */
const PATIENT_MS = 120_000;

/** Long enough for a broker on this machine to answer, where a check is expected to fail. */
const IMPATIENT_MS = 3_000;

const page = (name: string): string => readFileSync(join(import.meta.dirname, "../../../../docs", name), "utf8");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-conformance-"));
});

afterAll(async () => {
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

async function problemOf(
  { kind, check }: Requirement,
  start: StartBroker,
  waitMs: number,
): Promise<string | undefined> {
  const broker = await start(kind ?? "open");
  const bench = new ConformanceBench(broker, waitMs);
  try {
    return await check(bench);
  } finally {
    await bench.close();
    await broker.close();
  }
}

/** What the embedded broker lacks, and does not promise: it runs as long as a delivery. */
const EMBEDDED_LACKS: readonly string[] = ["keeps retained messages when it restarts"];

describe("the embedded broker", () => {
  test.for(REQUIREMENTS)("$name", async (requirement) => {
    const isLacking = EMBEDDED_LACKS.includes(requirement.name);
    const problem = await problemOf(requirement, startEmbedded, isLacking ? IMPATIENT_MS : PATIENT_MS);
    expect(problem !== undefined, problem).toBe(isLacking);
  });
});

describe.skipIf(isAbsent)(`Mosquitto${WHY}`, () => {
  test.for(REQUIREMENTS)("$name", async (requirement) => {
    expect(await problemOf(requirement, mosquittoIn(folder), PATIENT_MS)).toBeUndefined();
  });
});

describe.skipIf(isAbsent)(`a broker fails that lacks what the protocol relies on${WHY}`, () => {
  test.for(REQUIREMENTS)("$name", async (requirement) => {
    const faulty = faultyBrokers(folder)[requirement.name];
    if (faulty === undefined) throw new Error("no broker lacks it");
    expect(await problemOf(requirement, faulty.start, faulty.waitMs ?? IMPATIENT_MS)).toMatch(faulty.finds);
  });
});

test("docs/protocol.md has the sentence of each requirement, and docs/brokers.md lists them", () => {
  const protocol = page("protocol.md");
  const rows = REQUIREMENTS.map(({ name, sentence, without }) => `| ${name} | ${sentence} | ${without} |`);
  expect(REQUIREMENTS.filter(({ sentence }) => !protocol.includes(sentence))).toEqual([]);
  expect(page("brokers.md").split("\n")).toEqual(
    expect.arrayContaining(rows.map((row) => row.replaceAll("](#", "](protocol.md#"))),
  );
});
