import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { firmware, hasNoFirmware } from "../test/firmware-folder.ts";
import type { BenchLine } from "./bench-line.ts";
import { type FanOut, plainFanOut } from "./fan-out.ts";
import { ended, packageForFleet, start, untilOnline } from "./fleet-processes.ts";
import { FleetWatch } from "./fleet-watch.ts";
import { costOf, cpuSecondsOf, type ProcessCost } from "./process-cost.ts";

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
  /** Size of the image in bytes. @defaultValue {@link IMAGE_SIZE} */
  readonly sizeBytes?: number;
  /** Number of processes that the devices are divided into. @defaultValue 1 */
  readonly simulators?: number;
  /** Whether to fan the same bytes out to plain subscribers afterwards, over the same broker. @defaultValue `false` */
  readonly plain?: boolean;
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
  /** From the first chunk until the last device has the image, and the same of plain subscribers. */
  readonly fanOut: { readonly ours: FanOut; readonly plain: FanOut } | undefined;
  readonly costs: Readonly<Record<"publisher" | "simulator" | "broker", ProcessCost>>;
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

/** Starts a broker, simulators and a publisher, each as a process, and measures them. */
export async function deliverToFleet(run: FleetRun): Promise<FleetResult> {
  const { devices, startBroker, rate, timeout, sizeBytes = IMAGE_SIZE, simulators: count = 1, plain = false } = run;
  const folder = await mkdtemp(join(tmpdir(), "tinybms-fleet-"));
  const broker = await startBroker(folder);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const bytes = imageOf(sizeBytes);
  const { manifest, version, image } = await packageForFleet(folder, bytes, { broker: url, qos: 1, rate });
  const limit = ["--timeout", String(timeout)];
  const simulators = Array.from({ length: count }, (_, index) => {
    const share = Math.floor(devices / count) + (index < devices % count ? 1 : 0);
    const fleet = ["--devices", String(share), "--id", `bench${index + 1}`, "--before", image];
    return start("tinybms-sim", "run", "--broker", url, ...fleet, "--json", "--until", "settled", ...limit);
  });
  const simulated = simulators.map(ended);
  await untilOnline(url, devices);
  const watch = plain ? await FleetWatch.connect(url, devices) : undefined;
  const cpuBefore = cpuOf(simulators);
  const startedAt = performance.now();
  const publisher = start(
    ...(["tinybms-ota", "deploy", "--manifest", manifest, "--version", version, "--json"] as const),
    ...["--expect", String(devices), ...limit],
  );
  let download: FanOut | undefined;
  void watch?.untilDownloaded().then(() => {
    const wallS = (performance.now() - (watch.firstChunkAt ?? startedAt)) / 1_000;
    download = { wallS, cpuS: cpuOf(simulators) - cpuBefore };
  });
  const measured = { publisher: [publisher.pid], simulator: simulators.map(({ pid }) => pid), broker: [broker.pid] };
  const samples = Object.entries(measured).map(([name, pids]) => ({ name, costs: pids.map((pid) => new Sample(pid)) }));
  const sampling = setInterval(() => {
    for (const { costs } of samples) for (const cost of costs) cost.take();
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
    const result = { confirmed, exitCode: code, wallS, images, chunksSent, error: (delivery.error ?? error)?.code };
    const costs = Object.fromEntries(samples.map(({ name, costs: each }) => [name, totalOf(each)]));
    await watch?.close();
    await endAll(simulators, simulated);
    const fannedOut = plain ? await plainFanOut(url, devices, bytes) : undefined;
    const fanOut = download === undefined || fannedOut === undefined ? undefined : { ours: download, plain: fannedOut };
    return { ...result, fanOut, costs: costs as FleetResult["costs"] };
  } finally {
    clearInterval(sampling);
    await watch?.close();
    await endAll(simulators, simulated);
    await broker.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns a real image of that size if there is one, and otherwise one that is built. */
function imageOf(sizeBytes: number): Uint8Array {
  if (sizeBytes === IMAGE_SIZE && !hasNoFirmware) return firmware(IMAGE);
  return buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "fleet", sizeBytes, seed: 2 });
}

async function endAll(processes: readonly ChildProcess[], all: readonly Promise<unknown>[]): Promise<void> {
  for (const each of processes) each.kill("SIGINT");
  await Promise.all(all);
}

interface DeployJson {
  readonly deliveries: readonly {
    readonly chunksSent?: number;
    readonly devices: readonly { readonly state?: string }[];
    readonly error?: { readonly code: string };
  }[];
  readonly error?: { readonly code: string };
}

/** What a process has cost so far. */
class Sample {
  cost: ProcessCost = { cpuS: 0, mib: 0 };
  readonly #pid: number | undefined;

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  take(): void {
    this.cost = costOf(this.#pid) ?? this.cost;
  }
}

function totalOf(samples: readonly Sample[]): ProcessCost {
  const sum = (of: (cost: ProcessCost) => number) => samples.reduce((total, { cost }) => total + of(cost), 0);
  return { cpuS: sum(({ cpuS }) => cpuS), mib: sum(({ mib }) => mib) };
}

function cpuOf(processes: readonly ChildProcess[]): number {
  return processes.reduce((total, { pid }) => total + cpuSecondsOf(pid), 0);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      devices: { type: "string", default: "300" },
      queue: { type: "string", default: "recommended" },
      rate: { type: "string", default: String(RATE) },
      timeout: { type: "string", default: "600" },
      size: { type: "string", default: String(IMAGE_SIZE) },
      simulators: { type: "string", default: "1" },
      plain: { type: "boolean", default: false },
    },
  });
  if (!(values.queue in QUEUES)) throw new Error(`--queue is one of ${Object.keys(QUEUES).join(", ")}`);
  const queue = values.queue as keyof typeof QUEUES;
  const [devices, rate, timeout] = [Number(values.devices), Number(values.rate), Number(values.timeout)];
  const [sizeBytes, simulators, plain] = [Number(values.size), Number(values.simulators), values.plain];
  const run = { devices, startBroker: mosquittoWith(queue), rate, timeout, sizeBytes, simulators, plain };
  const { costs, fanOut, ...result } = await deliverToFleet(run);
  console.log(`${devices} devices, ${queue} queue, rate ${rate}: ${JSON.stringify(result)}`);
  if (fanOut !== undefined) {
    const cells = Object.entries(fanOut).map(
      ([side, { wallS, cpuS }]) => `${side} ${wallS.toFixed(1)} s, CPU ${cpuS.toFixed(1)} s`,
    );
    const ratio = fanOut.ours.wallS / fanOut.plain.wallS;
    console.log(`from the first chunk to the last byte: ${cells.join("; ")}; ratio ${ratio.toFixed(2)}`);
  }
  for (const [name, { cpuS, mib }] of Object.entries(costs)) {
    console.log(`${name.padEnd(10)} ${cpuS.toFixed(1).padStart(7)} s CPU ${mib.toFixed(0).padStart(6)} MiB`);
  }
}
