import type { AgentKind } from "../agent/agent-receiver.ts";
import type { Random } from "../random/random.ts";
import { createRandom } from "../random/random.ts";
import { BAD_SECTOR_FAULTS, type DevicePlan, type PlanLoss, type PlanStep, type WorldPlan } from "./world-plan.ts";

/** Greatest size of an image, in chunks: 64 KiB; in one world of sixteen more, so that publishers judge their rounds. */
const CHUNKS_MAX = 16;
const CHUNKS_LARGE_MAX = 40;
const DEVICES_MAX = 12;
const SPREAD_MAX_MS = 10_000;
const FAULTS_END_MS: readonly [number, number] = [5_000, 240_000];
const HOUR_MS = 3_600_000;

/** Kinds of misfortune. Each is switched off as a whole in half of the worlds. */
const KINDS = [
  "loss",
  "duplicates",
  "delays",
  "connections",
  "power",
  "flash-cuts",
  "partitions",
  "broker-restarts",
  "publisher-kills",
  "sleep",
  "late-joins",
  "slow-lines",
  "slow-flash",
  "tight-queues",
  "bad-sectors",
  "old-bootloaders",
  "self-tests",
  "deaths",
  "windows",
] as const;

type Kind = (typeof KINDS)[number];

/** Kinds that lose nothing and delay nothing. */
const GENTLE: ReadonlySet<Kind> = new Set<Kind>(["late-joins", "old-bootloaders", "self-tests"]);

/** Draws a world from a seed. The same seed gives the same world. */
export function drawPlan(seed: number, agent: AgentKind): WorldPlan {
  const random = createRandom(seed);
  // In one world in eight nothing is lost: what a delivery costs is judged there.
  const isCalm = random.bool(1 / 8);
  const kinds = new Set(KINDS.filter((kind) => random.bool() && (!isCalm || GENTLE.has(kind))));
  const chunks = random.bool(1 / 16) ? random.integer(CHUNKS_MAX, CHUNKS_LARGE_MAX) : random.integer(2, CHUNKS_MAX);
  const count = random.bool(0.3) ? 1 : random.integer(2, DEVICES_MAX);
  const faultsEndMs = random.integer(...FAULTS_END_MS);
  const names = Array.from({ length: count }, (_, index) => `device-${index + 1}`);
  const spreadMs = random.bool(0.7) && count > 1 ? random.integer(2, SPREAD_MAX_MS) : 0;
  return {
    plan: 1,
    seed,
    agent,
    chunks,
    network: drawNetwork(random, kinds, isCalm ? NEAR : LATENCIES),
    publisher: {
      rate: pick(random, [0, 16_384, 65_536, 262_144]),
      qos: random.bool() ? 1 : 0,
      spreadMs,
    },
    devices: names.map((name) =>
      drawDevice(random, name, kinds, { chunks, joinsMaxMs: isCalm ? spreadMs + 1 : faultsEndMs }),
    ),
    losses: drawLosses(random, kinds),
    steps: drawSteps(random, names, kinds, faultsEndMs),
    faultsEndMs,
  };
}

type Latency = WorldPlan["network"]["latencyMs"];

/** Ranges of the latency of devices that are near the broker, and of all, in milliseconds. */
const NEAR: readonly Latency[] = [
  [1, 20],
  [5, 5],
];
const LATENCIES: readonly Latency[] = [...NEAR, [20, 800]];

function drawNetwork(random: Random, kinds: ReadonlySet<Kind>, latencies: readonly Latency[]): WorldPlan["network"] {
  const isTight = kinds.has("tight-queues");
  return {
    latencyMs: pick(random, latencies),
    bytesPerSecond: kinds.has("slow-lines") ? pick(random, [8_192, 65_536, 1_000_000]) : 0,
    receiveBytes: pick(random, [0, 5_744, 16_384]),
    keepAliveMs: pick(random, [0, 15_000, 60_000, 120_000]),
    inFlightMax: isTight ? pick(random, [1, 2, 20]) : 20,
    queueMax: isTight ? pick(random, [2, 10, 100]) : 1_000,
  };
}

function drawDevice(
  random: Random,
  name: string,
  kinds: ReadonlySet<Kind>,
  { chunks, joinsMaxMs }: { readonly chunks: number; readonly joinsMaxMs: number },
): DevicePlan {
  const has = (kind: Kind, probability = 0.4) => kinds.has(kind) && random.bool(probability);
  return {
    name,
    ...(has("windows") ? { window: random.integer(1, 8) } : {}),
    ...(has("late-joins") ? { joinsAtMs: random.integer(1, joinsMaxMs) } : {}),
    ...(has("slow-flash") ? { flashFactor: random.integer(2, 10) } : {}),
    ...(has("slow-lines") ? { bytesPerSecond: random.integer(1_024, 16_384) } : {}),
    ...(has("slow-lines") ? { latencyMs: random.integer(100, 3_000) } : {}),
    ...(has("old-bootloaders") ? { hasOldBootloader: true } : {}),
    ...(has("self-tests", 0.2) ? { selfTest: random.bool() ? "fail" : "hang" } : {}),
    ...(has("bad-sectors", 0.2)
      ? { badSector: { sector: random.integer(0, chunks - 1), fault: pick(random, BAD_SECTOR_FAULTS) } }
      : {}),
  };
}

function drawLosses(random: Random, kinds: ReadonlySet<Kind>): readonly PlanLoss[] {
  const messages = ["offer", "hashes", "chunk", "request", "state", "any"] as const;
  const losses: PlanLoss[] = [];
  const draw = (kind: Kind, type: PlanLoss["type"]) => {
    if (!kinds.has(kind)) return;
    for (let count = random.integer(1, 3); count > 0; count--) {
      losses.push({ type, message: pick(random, messages), probability: random.integer(1, 50) / 100 });
    }
  };
  draw("loss", "lose");
  draw("duplicates", "duplicate");
  draw("delays", "delay");
  return losses;
}

function drawSteps(
  random: Random,
  names: readonly string[],
  kinds: ReadonlySet<Kind>,
  endMs: number,
): readonly PlanStep[] {
  const steps: PlanStep[] = [];
  const some = (kind: Kind, max: number, draw: (atMs: number) => readonly PlanStep[]) => {
    if (!kinds.has(kind)) return;
    for (let count = random.integer(1, max); count > 0; count--) steps.push(...draw(random.integer(0, endMs)));
  };
  const device = () => pick(random, names);
  const until = (atMs: number) => random.integer(1, Math.max(1, endMs - atMs));
  some("connections", 6, (atMs) => [
    { atMs, type: "drop-connection", device: device(), backMs: random.integer(1, 10_000) },
  ]);
  some("power", 4, (atMs) => [{ atMs, type: "cut-power", device: device(), offMs: until(atMs) }]);
  some("flash-cuts", 4, (atMs) => {
    const moment = pick(random, ["before", "during", "after"] as const);
    return [{ atMs, type: "cut-flash", device: device(), operation: random.integer(1, 60), moment }];
  });
  some("partitions", 3, (atMs) => {
    if (random.bool(0.3)) return [{ atMs, type: "partition-publishers", durationMs: until(atMs) }];
    return [{ atMs, type: "partition", devices: names.filter(() => random.bool()), durationMs: until(atMs) }];
  });
  some("broker-restarts", 2, (atMs) => [
    { atMs, type: "restart-broker", downMs: random.integer(1, 20_000), withStore: random.bool(0.7) },
  ]);
  some("publisher-kills", 2, (atMs) => {
    const backMs = random.integer(0, 30_000);
    return [
      { atMs, type: "kill-publisher" },
      { atMs: Math.min(endMs, atMs + backMs), type: "start-publisher" },
    ];
  });
  // Asleep for 59 minutes, awake for one.
  some("sleep", 2, (atMs) => [{ atMs, type: "sleep", device: device(), durationMs: (HOUR_MS * 59) / 60 }]);
  if (kinds.has("deaths") && names.length > 2) {
    some("deaths", Math.floor(names.length / 3), (atMs) => [{ atMs, type: "die", device: device() }]);
  }
  return steps.sort((left, right) => left.atMs - right.atMs);
}

function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[random.integer(0, from.length - 1)];
  if (picked === undefined) throw new RangeError("there is nothing to pick from");
  return picked;
}
