import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectDevice, createDevice, startEmbeddedBroker, untilState } from "@tinybms/firmware-sim/testkit";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { readJournal } from "@tinybms/ota-core/rollout";
import { afterEach, beforeEach, expect, test } from "vitest";

const EXAMPLE = fileURLToPath(new URL("../examples/release-in-ci", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../packages/ota-publisher/src/bin/tinybms-ota.ts", import.meta.url));
const TOPIC = "my-app/ota";

const ends: (() => Promise<void>)[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-ci-"));
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

const app = (version: string): Uint8Array => buildAppImage({ version, projectName: "my-app", sizeBytes: 20_000 });

/** Makes a project with a release line and keys, `tinybms-ota` on the PATH, a broker, and six devices. */
async function prepare(): Promise<(command: string, ...args: readonly string[]) => Promise<string>> {
  const broker = await startEmbeddedBroker({});
  ends.push(() => broker.close());
  const bin = join(folder, "bin");
  mkdirSync(join(folder, "ota"));
  mkdirSync(bin);
  writeFileSync(
    join(bin, "tinybms-ota"),
    `#!/bin/sh\nexec "${process.execPath}" --conditions=@tinybms/source "${PROGRAM}" "$@"\n`,
  );
  chmodSync(join(bin, "tinybms-ota"), 0o755);
  const channels = { mqtt: { broker: broker.url, topic: TOPIC } };
  const root = {
    schema_version: 1,
    product: { name: "my-app", hardware: "esp32" },
    deployment: { channels, default_protocols: ["mqtt"] },
    versions: [],
  };
  writeFileSync(join(folder, "ota/manifest.json"), JSON.stringify(root));
  writeFileSync(join(folder, "app.bin"), app("1.2.3"));
  for (let index = 0; index < 6; index++) {
    const device = createDevice({ id: `gw-${index}`, app: app("1.0.0"), topicRoot: TOPIC, product: "my-app" });
    const connection = connectDevice(device, broker.url);
    ends.push(() => connection.stop());
    await untilState(connection, "idle");
  }
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    ...{ FIRMWARE: "app.bin", VERSION: "1.2.3", STAGES: "50%,100%", RELEASE_KEY: "team.pem", OFFER_KEY: "team.pem" },
  };
  return async (command, ...args) => (await promisify(execFile)(command, args, { cwd: folder, env })).stdout;
}

test.skipIf(process.platform === "win32")(
  "the scripts package, sign, and offer a release to one stage after the other",
  async () => {
    const run = await prepare();
    await run("tinybms-ota", "keygen", "--out", "team.pem");
    await run("tinybms-ota", "keys", "init", "--root", "team.pem.pub", "--sign-key", "team.pem");
    await run(join(EXAMPLE, "package.sh"));
    const confirmed = async (): Promise<number> => {
      const { fleets } = JSON.parse(await run("tinybms-ota", "status", "--json", "--release", "1.2.3"));
      return fleets[0].devices.length;
    };
    await run(join(EXAMPLE, "canary.sh"));
    const first = await confirmed();
    expect(await run(join(EXAMPLE, "widen.sh"))).toContain("every stage has settled");
    expect(first).toBeLessThan(6);
    expect(await confirmed()).toBe(6);
    const journal = join(folder, "ota/rollouts/1.2.3.jsonl");
    const { records } = readJournal(readFileSync(journal, "utf8"), journal);
    expect(records.filter(({ type }) => type === "offer").length).toBe(2);
  },
);

test("both pipelines run each script, and no other", () => {
  const scripts = readdirSync(EXAMPLE).filter((name) => name.endsWith(".sh"));
  for (const pipeline of ["github.yml", "gitlab-ci.yml"]) {
    const text = readFileSync(join(EXAMPLE, pipeline), "utf8");
    const named = new Set([...text.matchAll(/ci\/([a-z]+\.sh)/g)].map(([, name]) => name));
    expect([...named].toSorted()).toEqual(scripts.toSorted());
  }
});
