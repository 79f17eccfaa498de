import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectDevice,
  createDevice,
  type DeviceConnection,
  type SimulatedDevice,
  untilState,
} from "@tinybms/firmware-sim/testkit";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { type RolloutRecord, readJournal } from "@tinybms/ota-core/rollout";
import { afterEach, beforeEach, expect, test } from "vitest";
import { targetAdmits } from "../packages/ota-core/src/messages/target.ts";
import { createDeployLine, type DeployLine } from "../packages/ota-publisher/test/deploy-line.ts";
import {
  hasMosquitto,
  killMosquittos,
  type Mosquitto,
  startMosquitto,
} from "../packages/ota-publisher/test/mosquitto-broker.ts";

const TOPIC = "bench/ota";
const APP = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 });
const WHY = hasMosquitto() ? "" : " (skipped: `apt-get install mosquitto`)";

let folder: string;
let broker: Mosquitto;
let line: DeployLine;
let connections: readonly DeviceConnection[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-rollout-"));
  if (!hasMosquitto()) return;
  broker = await startMosquitto(folder, ["allow_anonymous true", "max_queued_messages 0"]);
  const mqtt = { broker: `mqtt://127.0.0.1:${broker.port}`, topic: TOPIC, client_id: "publisher" };
  line = createDeployLine({ mqtt }, ["mqtt"]);
});

afterEach(async () => {
  await Promise.all(connections.map((connection) => connection.stop()));
  await killMosquittos();
  line?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Connects devices, of which those with a bad index fail the self-test of the new image. */
async function connect(count: number, isBad: (index: number) => boolean): Promise<readonly SimulatedDevice[]> {
  connections = Array.from({ length: count }, (_, index) => {
    const selfTests = isBad(index) ? [{ version: "1.2.3", outcome: "fail" as const }] : [];
    const device = createDevice({ id: `gw-${index}`, app: APP, topicRoot: TOPIC, product: "gateway", selfTests });
    return connectDevice(device, `mqtt://127.0.0.1:${broker.port}`);
  });
  await Promise.all(connections.map((connection) => untilState(connection, "idle")));
  return connections.map(({ device }) => device);
}

const records = (): readonly RolloutRecord[] => {
  const file = join(line.folder, "rollouts", "1.2.3.jsonl");
  return readJournal(readFileSync(file, "utf8"), file).records;
};

test.runIf(hasMosquitto())(
  `an image that fails on a tenth of 50 devices stops at the first stage that shows it, and touches nobody beyond${WHY}`,
  async () => {
    const devices = await connect(50, (index) => index % 10 === 0);
    const { exitCode, stderr } = await line.deploy(["--rollout", "20%,50%,100%", "--hold", "0.1", "--abort-min", "1"]);
    expect(exitCode).toBe(1);
    const failed = records().flatMap((it) => (it.type === "ended" && it.end === "failed" ? [it.device] : []));
    expect(failed).not.toEqual([]);
    for (const device of failed) expect(stderr).toContain(`${device} (delivery/self-test-failed)`);
    const [first] = records();
    const stopped = records().find((it) => it.type === "stopped");
    if (first?.type !== "rollout" || stopped?.type !== "stopped") throw new Error("the rollout did not stop");
    expect(stopped.reason).toBe("failures");
    const { salt, stages } = first.plan;
    const reached = { rollout: { permille: stages[stopped.stage] ?? 0, salt } };
    const beyond = devices.filter(({ id }) => !targetAdmits(reached, id));
    for (const device of beyond) expect(device.summary()).toMatchObject({ version: "1.0.0", bootCount: 1 });
    for (const device of failed) expect(targetAdmits(reached, device)).toBe(true);
  },
);

test.runIf(hasMosquitto())(
  `a broker that loses its retained messages between two stages gets the next offer, with a higher number${WHY}`,
  async () => {
    const devices = await connect(6, () => false);
    const running = line.deploy(["--rollout", "50%,100%", "--hold", "until-continued"]);
    expect((await running).exitCode).toBe(0);
    await broker.kill();
    broker = await startMosquitto(folder, ["allow_anonymous true", "max_queued_messages 0"], broker.port);
    const journal = join(line.folder, "rollouts", "1.2.3.jsonl");
    const { exitCode, stderr } = await line.run(["rollout", "continue", journal]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("6 confirmed, 0 failed")]);
    const numbers = records().flatMap((it) => (it.type === "offer" ? [it.offer.counter] : []));
    expect(numbers).toEqual([
      [1, 1],
      [1, 2],
    ]);
    for (const device of devices) expect(device.summary()).toMatchObject({ version: "1.2.3", bootCount: 2 });
  },
);
