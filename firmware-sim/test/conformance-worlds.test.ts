import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Receiver } from "@tinybms/ota-core";
import { WasmReceiver } from "@tinybms/ota-device-wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExecMachine } from "../src/conformance/exec-machine.ts";
import { ExecThread } from "../src/conformance/exec-thread.ts";
import { WorldJudge, type WorldViolation } from "../src/conformance/judge-world.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-worlds-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

test.for([
  ["in TypeScript", (options: ConstructorParameters<typeof Receiver>[0]) => new Receiver(options)],
  ["in C", (options: ConstructorParameters<typeof Receiver>[0]) => new WasmReceiver(options)],
] as const)("the receiver %s passes worlds with power cuts", ([, create]) => {
  const judge = new WorldJudge(create);
  expect(SEEDS.flatMap((seed) => judge.judge(seed))).toEqual([]);
});

test("the same seed gives the same world", () => {
  class Forgetful extends Receiver {
    override handle(event: Parameters<Receiver["handle"]>[0]): ReturnType<Receiver["handle"]> {
      return super.handle(event).filter(({ type }) => type !== "mark-valid");
    }
  }
  const judge = () => new WorldJudge((options) => new Forgetful(options)).judge(7);
  expect(judge().length).toBeGreaterThan(0);
  expect(judge()).toEqual(judge());
});

/** Judges a program that answers each event with the same line. */
async function judgeProgram(answer: string): Promise<readonly WorldViolation[]> {
  const program = join(folder, "program.cjs");
  writeFileSync(
    program,
    `require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      if ("event" in JSON.parse(line)) console.log(${JSON.stringify(answer)});
    });`,
  );
  const thread = new ExecThread(`"${process.execPath}" "${program}"`);
  try {
    return new WorldJudge((options) => new ExecMachine(thread, options)).judge(1);
  } finally {
    await thread.close();
  }
}

test.for<readonly [string, string, Partial<WorldViolation>]>([
  ["does nothing", '{"actions":[]}', { invariant: "delivered" }],
  ["answers no JSON", "hello", { invariant: "answer" }],
  ["answers no action", '{"actions":[{"type":"jump"}]}', { invariant: "answer" }],
  ["always restarts", '{"actions":[{"type":"reboot"}]}', { invariant: "delivered" }],
])("a program that %s violates a world", async ([, answer, expected]) => {
  expect(await judgeProgram(answer)).toMatchObject([{ seed: 1, ...expected }]);
});
