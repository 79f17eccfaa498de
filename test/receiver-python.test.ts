/** The example receiver in Python, judged by the conformance vectors and by a real delivery. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExecReceiver } from "../firmware-sim/src/conformance/exec-receiver.ts";
import { runVector } from "../firmware-sim/src/conformance/run-vector.ts";
import { parseVector } from "../firmware-sim/src/conformance/vector.ts";
import { hasMosquitto, killMosquittos, startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { createSignedLine, type SignedLine } from "../packages/ota-publisher/test/signed-line.ts";

const EXAMPLE = fileURLToPath(new URL("../examples/receiver-python", import.meta.url));
const VECTORS = new URL("../vectors/v1/", import.meta.url);
const PYTHON_TOOLS = fileURLToPath(new URL("../.tools/python/bin/python3", import.meta.url));

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const canConnect = spawnSync(PYTHON_TOOLS, ["-c", "import paho.mqtt, cryptography"]).status === 0;
const WHY_NO_PYTHON = hasPython ? "" : " (skipped: install Python 3)";
const WHY_NO_DELIVERY =
  canConnect && hasMosquitto() ? "" : " (skipped: node scripts/python-tools.ts; apt-get install mosquitto)";

const vectors = readdirSync(VECTORS)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => parseVector(readFileSync(new URL(name, VECTORS), "utf8"), name));

let folder: string;
let line: SignedLine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-receiver-python-"));
  line = await createSignedLine();
});

afterAll(async () => {
  await killMosquittos();
  line.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Names of the vectors that a copy of the example fails. */
async function failuresOf(example: string): Promise<readonly string[]> {
  const receiver = new ExecReceiver(`python3 "${join(example, "conformance.py")}"`);
  const failures: string[] = [];
  for (const vector of vectors) {
    const failure = await runVector(vector, receiver);
    if (failure !== undefined) failures.push(`${failure.name}:${failure.line}${failure.path}`);
  }
  await receiver.close();
  return failures;
}

test.skipIf(!hasPython)(`passes every conformance vector${WHY_NO_PYTHON}`, async () => {
  expect(vectors.length).toBeGreaterThan(100);
  expect(await failuresOf(EXAMPLE)).toEqual([]);
});

test.skipIf(!hasPython).for([
  ["download.py", "if index == 0 and len(self.missing) > 1:", "if False:", "chunks-in-any-order"],
  ["download.py", "if not self.trusts_flash:", "if False:", "resume-after-power-cut"],
  ["download.py", ' or receiver.record.get("whole", False)', "", "install-after-through-a-power-cut"],
  ["install.py", 'window.get("offset_minutes", 0)', "0", "maintenance-window"],
  ["install.py", "self.spread_ends = None\n            return", "return", "maintenance-window-missed"],
  ["probation.py", "and receiver.now < self.latest", "", "probation-extended"],
  ["trust.py", "if valid:", "if True:", "bad-offer-signature"],
  ["receiver.py", 'return self.refuse("offer/stale", offer["id"])', "pass", "signed-stale-offers"],
] as const)(`a planted fault in %s fails a vector: %s${WHY_NO_PYTHON}`, async ([file, right, wrong, expected]) => {
  const copy = mkdtempSync(join(folder, "mutant-"));
  cpSync(EXAMPLE, copy, { recursive: true });
  const source = readFileSync(join(EXAMPLE, file), "utf8");
  expect(source).toContain(right);
  writeFileSync(join(copy, file), source.replace(right, wrong));
  expect((await failuresOf(copy)).map((failure) => failure.split(":")[0])).toContain(expected);
});

test.skipIf(WHY_NO_DELIVERY !== "")(`takes a signed update from deploy over Mosquitto${WHY_NO_DELIVERY}`, async () => {
  const broker = await startMosquitto(folder);
  const old = join(folder, "old.bin");
  writeFileSync(old, buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 30_000, seed: 4 }));
  const packaged = ["package", "--binary", line.binary, "--update-manifest", "--sign-key", line.key("release")];
  expect((await line.run(packaged)).exitCode).toBe(0);
  const device = startDevice(broker.port, ["--image", old, "--key-set", join(line.keys, keySetFile(line.keys))]);
  const deployed = await line.run([
    ...["deploy", "--version", "1.2.3", "--broker", `mqtt://127.0.0.1:${broker.port}`, "--expect", "1", "--json"],
    ...["--sign-key", line.key("offer")],
  ]);
  expect(deployed.exitCode, deployed.stderr).toBe(0);
  expect(await device.ended).toBe(0);
  expect(device.output()).toContain("confirmed 1.2.3");
  await broker.kill();
});

function keySetFile(keys: string): string {
  return readdirSync(keys).find((name) => name.endsWith(".json")) ?? "";
}

function startDevice(port: number, args: readonly string[]): { ended: Promise<number>; output: () => string } {
  let output = "";
  const child: ChildProcess = spawn(
    PYTHON_TOOLS,
    [
      join(EXAMPLE, "device.py"),
      ...["--broker", `127.0.0.1:${port}`, "--topic", "bench/ota", "--device", "bench-1", "--product", "gateway"],
      ...["--folder", join(folder, "device"), ...args],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  child.stdout?.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  return { ended: once(child, "close").then(([code]) => Number(code)), output: () => output };
}
