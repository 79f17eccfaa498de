import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { firmware, hasNoFirmware } from "../test/firmware-folder.ts";
import type { BenchLine } from "./bench-line.ts";
import { ended, packageForFleet, start, untilOnline } from "./fleet-processes.ts";

const IMAGE = "0.14.4/WLED_0.14.4_ESP32.bin";
const IMAGE_SIZE = 1_284_976;
const RATE = 65_536;
/** Time for restart and probation of the last device, in seconds. */
const PROBATION_S = 10;
const SAMPLE_MS = 250;

/** Configurations of Mosquitto: as it comes, and as docs/brokers.md recommends. */
const QUEUES = {
  default: [],
  recommended: ["max_queued_messages 0", "max_inflight_messages 100"],
  tight: ["max_queued_messages 2", "max_inflight_messages 1"],
} as const;

/** A broker of a {@link FleetRun}. */
export interface FleetBroker {
  readonly port: number;
  /** Process id. */
  readonly pid: number | undefined;
  kill(): Promise<void>;
}

/** One delivery to many devices. */
export interface FleetRun {
  readonly devices: number;
  /** Starts the broker. @param folder - For its files. */
  readonly startBroker: (folder: string) => Promise<FleetBroker>;
  /** Bytes per second. */
  readonly rate: number;
  /** Limit in seconds. */
  readonly timeout: number;
}

/** Cost of a process: CPU seconds and largest memory in MiB. */
interface Cost {
  cpuS: number;
  mib: number;
}

/** Result of a {@link FleetRun}. */
export interface FleetResult {
  readonly confirmed: number;
  readonly exitCode: number | null;
  readonly wallS: number;
  /** Images sent. */
  readonly images: number;
  readonly chunksSent: number;
  readonly error: string | undefined;
  readonly costs: Readonly<Record<"publisher" | "simulator" | "broker", Cost>>;
}

/** Delivers 1.28 MB to 300 simulated devices over Mosquitto, against one image and the time that its rate takes. */
export async function benchFleet(): Promise<readonly BenchLine[]> {
  const run: FleetRun = { devices: 300, startBroker: mosquittoWith("recommended"), rate: RATE, timeout: 600 };
  const { confirmed, images, wallS } = await deliverToFleet(run);
  if (confirmed !== run.devices) throw new Error(`${confirmed} of ${run.devices} devices confirmed`);
  const plainS = IMAGE_SIZE / RATE + PROBATION_S;
  const name = `deliver to ${run.devices} devices over Mosquitto`;
  return [
    { name: `${name}, KiB sent`, ours: images * 1_255, plain: 1_255, unit: "KiB", ratio: images, limit: 1.05 },
    { name, ours: wallS * 1_000, plain: plainS * 1_000, ratio: wallS / plainS, limit: 1.3 },
  ];
}

/** Returns a function that starts Mosquitto with a configuration of its queues. */
function mosquittoWith(queue: keyof typeof QUEUES): FleetRun["startBroker"] {
  return (folder) => startMosquitto(folder, ["allow_anonymous true", ...QUEUES[queue]]);
}

/** Starts a broker, a simulator and a publisher, each as a process, and measures them. */
export async function deliverToFleet({ devices, startBroker, rate, timeout }: FleetRun): Promise<FleetResult> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-fleet-"));
  const broker = await startBroker(folder);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const bytes = hasNoFirmware
    ? buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "fleet", sizeBytes: IMAGE_SIZE, seed: 2 })
    : firmware(IMAGE);
  const { manifest, version, image } = await packageForFleet(folder, bytes, { broker: url, qos: 1, rate });
  const limit = ["--timeout", String(timeout)];
  const simulator = start(
    ...(["tinybms-sim", "run", "--broker", url, "--devices", String(devices), "--before", image, "--json"] as const),
    ...["--until", "settled", ...limit],
  );
  const simulated = ended(simulator);
  await untilOnline(url, devices);
  const startedAt = performance.now();
  const publisher = start(
    ...(["tinybms-ota", "deploy", "--manifest", manifest, "--version", version, "--json"] as const),
    ...["--expect", String(devices), ...limit],
  );
  const pids = { publisher: publisher.pid, simulator: simulator.pid, broker: broker.pid };
  const costs = { publisher: noCost(), simulator: noCost(), broker: noCost() };
  const sampling = setInterval(() => {
    for (const name of ["publisher", "simulator", "broker"] as const) sample(pids[name], costs[name]);
  }, SAMPLE_MS);
  try {
    const { code, stdout } = await ended(publisher);
    const wallS = (performance.now() - startedAt) / 1_000;
    const { deliveries, error } = JSON.parse(stdout) as DeployJson;
    const [delivery] = deliveries;
    if (delivery === undefined) throw new Error("there was no delivery");
    const confirmed = delivery.devices.filter(({ state }) => state === "confirmed").length;
    const { chunksSent = 0 } = delivery;
    const images = chunksSent / Math.ceil(bytes.length / 4_096);
    return { confirmed, exitCode: code, wallS, images, chunksSent, error: (delivery.error ?? error)?.code, costs };
  } finally {
    clearInterval(sampling);
    simulator.kill("SIGINT");
    await simulated;
    await broker.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

interface DeployJson {
  readonly deliveries: readonly {
    readonly chunksSent?: number;
    readonly devices: readonly { readonly state?: string }[];
    readonly error?: { readonly code: string };
  }[];
  readonly error?: { readonly code: string };
}

function noCost(): Cost {
  return { cpuS: 0, mib: 0 };
}

/** Reads the cost of a process so far from /proc. */
function sample(pid: number | undefined, cost: Cost): void {
  if (pid === undefined || !existsSync(`/proc/${pid}/status`)) return;
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    cost.mib = Math.max(cost.mib, Number(peak ?? 0) / 1_024);
    // utime and stime, in ticks of 10 ms.
    cost.cpuS = (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    // The process ended in between.
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      devices: { type: "string", default: "300" },
      queue: { type: "string", default: "recommended" },
      rate: { type: "string", default: String(RATE) },
      timeout: { type: "string", default: "600" },
    },
  });
  if (!(values.queue in QUEUES)) throw new Error(`--queue is one of ${Object.keys(QUEUES).join(", ")}`);
  const queue = values.queue as keyof typeof QUEUES;
  const [devices, rate, timeout] = [Number(values.devices), Number(values.rate), Number(values.timeout)];
  const { costs, ...result } = await deliverToFleet({ devices, startBroker: mosquittoWith(queue), rate, timeout });
  console.log(`${devices} devices, ${queue} queue, rate ${rate}: ${JSON.stringify(result)}`);
  for (const [name, { cpuS, mib }] of Object.entries(costs)) {
    console.log(`${name.padEnd(10)} ${cpuS.toFixed(1).padStart(7)} s CPU ${mib.toFixed(0).padStart(6)} MiB`);
  }
}
