import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  connectDevice,
  createDevice,
  type DeviceConnection,
  type EmbeddedBroker,
  startEmbeddedBroker,
  untilState,
} from "@tinybms/firmware-sim/testkit";
import { buildStateReport, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine } from "../packages/ota-publisher/test/deploy-line.ts";

const TOPIC = "bench/ota";
const PROGRAM = fileURLToPath(new URL("../packages/ota-publisher/src/bin/tinybms-ota.ts", import.meta.url));
const PAGE = fileURLToPath(new URL("../docs/status.md", import.meta.url));
const APP = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 });

/** Runs a command on a terminal of 80 columns, and passes on what it prints. Ends it at a line on standard input. */
const TERMINAL = `
import os, pty, select, signal, struct, sys, fcntl, termios
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
while True:
    ready, _, _ = select.select([terminal, 0], [], [])
    if 0 in ready:
        os.kill(child, signal.SIGINT)
        break
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
os.waitpid(child, 0)
`;

/** Reads CSV with Python's module and prints it as JSON. */
const READ_CSV = "import csv, json, sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='')))))";

const WHY = hasPython() ? "" : " (skipped: `apt-get install python3`)";

let broker: EmbeddedBroker;
let line: DeployLine;
let client: MqttClient;
let connections: DeviceConnection[] = [];

beforeEach(async () => {
  broker = await startEmbeddedBroker({});
  line = createDeployLine({ mqtt: { broker: broker.url, topic: TOPIC, client_id: "publisher" } }, ["mqtt"]);
  client = await connectAsync(broker.url);
});

afterEach(async () => {
  await Promise.all(connections.map((connection) => connection.stop()));
  connections = [];
  await client.endAsync();
  await broker.close();
  line.remove();
});

/** Connects simulated devices; the first fails the self-test of the release. */
async function connect(ids: readonly string[]): Promise<void> {
  connections = ids.map((id, index) => {
    const selfTests = index === 0 ? [{ version: "1.2.3", outcome: "fail" as const }] : [];
    const device = createDevice({ id, app: APP, topicRoot: TOPIC, product: "gateway", selfTests });
    return connectDevice(device, broker.url);
  });
  await Promise.all(connections.map((connection) => untilState(connection, "idle")));
}

/** A report that tries everything: the longest name, and a text that a spreadsheet would compute. */
async function reportHostile(): Promise<void> {
  const device = `gw-${"x".repeat(61)}`;
  const report = buildStateReport({
    ...{ protocol: 1, device, state: "failed", version: "=1+1", slot: "ota_0", running_sha256: "ab".repeat(32) },
    ...{ received: 0, total: 0, accepted: [1, 0], rollback: true, clock: true, online: true, boot_count: 1 },
    error: { code: "delivery/self-test-failed", message: '@SUM("a";\n1,2)' },
  });
  await client.publishAsync(topicsOf(TOPIC).state(device), Buffer.from(report), { qos: 1, retain: true });
}

test.runIf(hasPython())(
  `status --watch keeps within 80 columns of a terminal, as docs/status.md shows${WHY}`,
  async () => {
    await connect(["gw-basement", "gw-garage", "gw-roof"]);
    const args = ["--conditions=@tinybms/source", PROGRAM, "status", "--watch"];
    const manifest = ["--manifest", join(line.folder, "manifest.json")];
    const terminal = spawn("python3", ["-c", TERMINAL, process.execPath, ...args, ...manifest]);
    let screen = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
    });
    const untilShown = (text: string): Promise<void> => expect.poll(() => screen, { timeout: 600_000 }).toContain(text);
    await untilShown("by state: idle 3");
    expect((await line.deploy(["--abort-on", "100%", "--rollout", "100%"])).exitCode).toBe(0);
    await untilShown("gw-roof: confirmed");
    await untilShown("gw-basement: rolled-back");
    await reportHostile();
    await untilShown("gw-xxx");
    terminal.stdin.end("\n");
    await once(terminal, "close");
    const lines = screen.split("\r\n");
    for (const shown of lines) expect([...shown].length, shown).toBeLessThanOrEqual(80);
    const documented = readFileSync(PAGE, "utf8");
    const first = lines.slice(1, lines.findIndex((shown) => shown.startsWith("by state")) + 1);
    expect(documented).toContain(first.join("\n  "));
    expect(documented).toContain(lines.find((shown) => shown.startsWith("gw-basement: rolled-back")));
  },
);

test.runIf(hasPython())(`another CSV reader gets the cells of status --csv, none of them a formula${WHY}`, async () => {
  await connect(["gw-basement", "gw-garage"]);
  await reportHostile();
  const folder = mkdtempSync(join(tmpdir(), "tinybms-csv-"));
  try {
    const file = join(folder, "fleet.csv");
    writeFileSync(file, (await line.run(["status", "--csv"])).stdout);
    const rows: Record<string, string>[] = JSON.parse(
      execFileSync("python3", ["-c", READ_CSV, file], { encoding: "utf8" }),
    );
    expect(rows.map(({ device }) => device)).toEqual(["gw-basement", "gw-garage", `gw-${"x".repeat(61)}`]);
    expect(rows[2]).toMatchObject({
      ...{ state: "failed", version: "'=1+1", accepted_epoch: "1", behind: "false" },
      ...{ error_code: "delivery/self-test-failed", error_message: `'@SUM("a";\n1,2)` },
    });
    for (const cell of rows.flatMap((row) => Object.values(row))) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import pty, csv"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
