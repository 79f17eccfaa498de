import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { Receiver, type ReceiverAction } from "@tinybms/ota-core";
import { sharedDeviceModule, WasmReceiver } from "@tinybms/ota-device-wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { MachineReceiver } from "../src/conformance/machine-receiver.ts";
import { runVector } from "../src/conformance/run-vector.ts";
import { formatVector, parseVector, type Vector } from "../src/conformance/vector.ts";

const FOLDER = new URL("../../vectors/v1/", import.meta.url);

const vectors: readonly Vector[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => parseVector(readFileSync(new URL(name, FOLDER), "utf8"), name));

let folder: string;

async function runSim(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const out: Buffer[] = [];
  stdout.on("data", (bytes: Buffer) => out.push(bytes));
  stderr.resume();
  const exitCode = await runSimCli(args, { stdout, stderr, env: {}, signal: new AbortController().signal });
  return { exitCode, stdout: Buffer.concat(out).toString() };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-conformance-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the vectors are what the TypeScript receiver does", () => {
  const script = fileURLToPath(new URL("../../scripts/generate-vectors.ts", import.meta.url));
  execFileSync(process.execPath, ["--conditions=@tinybms/source", script, "--check"], { stdio: "inherit" });
});

test.for(vectors.map((vector) => [vector.header.name, vector] as const))(
  "the TypeScript receiver passes %s",
  async ([, vector]) => {
    expect(await runVector(vector, new MachineReceiver((options) => new Receiver(options)))).toBeUndefined();
  },
);

test.for(vectors.map((vector) => [vector.header.name, vector] as const))(
  "the receiver in C passes %s",
  async ([, vector]) => {
    const receiver = new MachineReceiver((options) => new WasmReceiver(options));
    expect(await runVector(vector, receiver)).toBeUndefined();
    receiver.dispose();
    expect(sharedDeviceModule().machineCount).toBe(0);
  },
);

test("a vector survives its text form", () => {
  for (const vector of vectors) expect(parseVector(formatVector(vector), "a vector")).toEqual(vector);
});

/** A receiver that does one thing wrong. */
class FaultyReceiver extends Receiver {
  readonly #change: (actions: ReceiverAction[]) => ReceiverAction[];

  constructor(
    options: ConstructorParameters<typeof Receiver>[0],
    change: (actions: ReceiverAction[]) => ReceiverAction[],
  ) {
    super(options);
    this.#change = change;
  }

  override handle(event: Parameters<Receiver["handle"]>[0]): ReceiverAction[] {
    return this.#change(super.handle(event));
  }
}

test.for<readonly [string, (actions: ReceiverAction[]) => ReceiverAction[]]>([
  ["forgets to store its record", (actions) => actions.filter(({ type }) => type !== "store")],
  ["programs before it erases", (actions) => actions.filter(({ type }) => type !== "erase-sector")],
  ["restarts twice", (actions) => actions.flatMap((it): ReceiverAction[] => (it.type === "reboot" ? [it, it] : [it]))],
  ["publishes with QoS 0", (actions) => actions.map((it) => (it.type === "publish" ? { ...it, qos: 0 } : it))],
  ["acts in another order", (actions) => actions.toReversed()],
  ["sets no timer", (actions) => actions.filter(({ type }) => type !== "set-timer")],
])("a receiver that %s fails", async ([, change]) => {
  const receiver = new MachineReceiver((options) => new FaultyReceiver(options, change));
  const failures = await Promise.all(vectors.map((vector) => runVector(vector, receiver)));
  expect(failures.some((failure) => failure !== undefined)).toBe(true);
});

/** Answers each event with what a file says, a line an event. */
const ECHO = `
const lines = require("node:fs").readFileSync(process.argv[2], "utf8").trim().split("\\n").slice(1);
let next = 0;
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  if (JSON.parse(line).event === undefined) return;
  process.stdout.write(JSON.stringify({ actions: JSON.parse(lines[next++]).actions }) + "\\n");
});
`;

const DELIVERY = fileURLToPath(new URL("delivery.jsonl", FOLDER));

test("judges a program by its answers", async () => {
  const program = join(folder, "echo.cjs");
  writeFileSync(program, ECHO);
  const wrong = join(folder, "wrong.jsonl");
  writeFileSync(wrong, readFileSync(DELIVERY, "utf8").replace('"type":"subscribe"', '"type":"unsubscribe"'));
  const judge = (file: string) =>
    runSim(
      "conformance",
      "--exec",
      `"${process.execPath}" "${program}" "${file}"`,
      "--vectors",
      fileURLToPath(FOLDER),
      "--only",
      "delivery",
      "--json",
    );
  const right = await judge(DELIVERY);
  expect(right.exitCode).toBe(0);
  expect(JSON.parse(right.stdout)).toMatchObject({ vectors: 1, passed: 1, failures: [] });
  const faulty = await judge(wrong);
  expect(faulty.exitCode).toBe(1);
  expect(JSON.parse(faulty.stdout).failures).toMatchObject([
    { name: "delivery", line: 3, path: "[0].type", expected: "subscribe", actual: "unsubscribe" },
  ]);
});

test("takes any form of the same bytes", async () => {
  const vector = parseVector(readFileSync(DELIVERY, "utf8"), "delivery");
  const machine = new MachineReceiver((options) => new Receiver(options));
  const spelled = {
    begin: (header: Vector["header"]) => machine.begin(header),
    handle: async (event: Vector["steps"][number]["event"]) =>
      (await machine.handle(event)).map((action) => {
        const { payload } = action;
        if (typeof payload !== "object" || payload === null || !("json" in payload)) return action;
        const text = JSON.stringify(payload.json, null, 1);
        return { ...action, payload: { b64: Buffer.from(text).toString("base64") } };
      }),
  };
  expect(await runVector(vector, spelled)).toBeUndefined();
});

test.for<readonly [string, string]>([
  ["exit 3", "ended without an answer"],
  ["echo hello; cat > /dev/null", "it answered"],
])("says what is wrong with the program %j", async ([command, reason]) => {
  const { exitCode, stdout } = await runSim(
    "conformance",
    "--exec",
    command,
    "--vectors",
    fileURLToPath(FOLDER),
    "--json",
  );
  expect(exitCode).toBe(2);
  const { error } = JSON.parse(stdout);
  expect(error).toMatchObject({ code: "simulation/no-answer" });
  expect(error.message).toContain(reason);
});

test("refuses a folder without vectors", async () => {
  const { exitCode, stdout } = await runSim(
    "conformance",
    "--exec",
    "cat",
    "--vectors",
    mkdtempSync(join(folder, "empty-")),
    "--json",
  );
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "arguments/invalid", details: { option: "--vectors" } } });
});
