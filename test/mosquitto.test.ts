import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { buildAppImage, parseAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { hasMosquitto, startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: Mosquitto is not installed; `apt-get install mosquitto`)" : "";

function start(script: "tinybms-ota" | "tinybms-sim", args: readonly string[]): ChildProcess & { done: Promise<Done> } {
  const bins = {
    "tinybms-ota": "packages/ota-publisher/src/bin/tinybms-ota.ts",
    "tinybms-sim": "firmware-sim/src/bin/tinybms-sim.ts",
  };
  const argv = ["--conditions=@tinybms/source", "scripts/run-from-source.ts", bins[script], ...args];
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const done = once(child, "close").then(async ([code]) => ({
    code: code as number | null,
    stdout: await stdout,
    stderr: await stderr,
  }));
  return Object.assign(child, { done });
}

interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

test.skipIf(isAbsent)(
  `publisher, simulator and Mosquitto as three processes: both commands print one JSON document${WHY}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "tinybms-mosquitto-"));
    const broker = await startMosquitto(folder);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    try {
      const image = (version: string, seed: number) =>
        buildAppImage({ chip: "esp32", version, projectName: "gateway", sizeBytes: 200_000, seed });
      const [old, next, manifest] = ["old.bin", "next.bin", "manifest.json"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      await writeFile(old, image("1.0.0", 1));
      await writeFile(next, image("1.1.0", 2));
      const channels = { mqtt: { broker: url, topic: "tinybms/gateway/ota", rate: 0 } };
      const product = { name: "TinyBMS Web Gateway", hardware: "esp32" };
      const line = { schema_version: 1, product, deployment: { channels, default_protocols: ["mqtt"] }, versions: [] };
      await writeFile(manifest, JSON.stringify(line));

      const packaged = await start("tinybms-ota", [
        ...["package", "--manifest", manifest, "--binary", next, "--update-manifest", "--json"],
      ]).done;
      expect(packaged.stderr).toBe("");
      expect(JSON.parse(packaged.stdout)).toMatchObject({ version: "1.1.0", manifestUpdated: true });

      const bench = ["run", "--broker", url, "--devices", "3", "--id", "bench", "--app", old, "--json"];
      const simulator = start("tinybms-sim", [...bench, "--until", "settled", "--timeout", "60"]);
      const deploy = ["deploy", "--manifest", manifest, "--version", "1.1.0", "--expect", "3", "--timeout", "60"];
      const deployed = await start("tinybms-ota", [...deploy, "--json"]).done;
      const run = await simulator.done;

      const delivery = JSON.parse(deployed.stdout).deliveries[0];
      expect(delivery).toMatchObject({ outcome: "delivered", mode: "chunked", size: 200_000 });
      const expected = ["bench-1", "bench-2", "bench-3"];
      for (const device of expected) {
        expect(delivery.devices).toContainEqual(
          expect.objectContaining({ device, state: "confirmed", version: "1.1.0" }),
        );
      }
      expect(deployed.code).toBe(0);
      const { devices } = JSON.parse(run.stdout);
      expect(devices).toHaveLength(3);
      for (const device of devices) {
        expect(device).toMatchObject({ state: "confirmed", version: "1.1.0", slot: "ota_1", bootCount: 2 });
        expect(device.flash.bytes).toBeGreaterThanOrEqual(parseAppImage(image("1.1.0", 2)).imageSize);
      }
      expect(run.code).toBe(0);
    } finally {
      await broker.kill();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
