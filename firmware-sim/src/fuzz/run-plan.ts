import type { SelfTestRule } from "../agent/self-test.ts";
import type { Hardware } from "../boot/boot-options.ts";
import { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { DeviceOptions } from "../device/device-options.ts";
import type { NetworkCounts, WorldEvent } from "../simulation/network-options.ts";
import { ImagePublisher, type ImagePublisherOptions } from "../simulation/publish-image.ts";
import type { PublisherRun, WorldPublisher } from "../simulation/publisher-in-world.ts";
import { type DeviceTraits, World } from "../simulation/world.ts";
import { BrokenInvariant, type WorldFailure } from "./invariants.ts";
import { hasFullPace, judgeCost } from "./judge-cost.ts";
import { judgeEnds } from "./judge-ends.ts";
import { DeviceWatch } from "./watch-device.ts";
import { WatchedPublisher } from "./watch-publisher.ts";
import { WORLD_PRODUCT, WORLD_TOPIC_ROOT, type WorldBoard, worldBoardOf } from "./world-board.ts";
import type { DevicePlan, PlanStep, WorldPlan } from "./world-plan.ts";

/** Time for all devices to come to an end once the faults are over, in milliseconds of virtual time. */
const SETTLE_MS = 6 * 3_600_000;
/** Time between the end of a publisher and the start of the next, which the operator would start. */
const REDEPLOY_MS = 120_000;
/** Time limit of a delivery, in milliseconds. */
const DEPLOY_MS = 600_000;
/** Events that may be scheduled for each device and publisher. */
const SCHEDULED_MAX = 4_000;
/** Steps between two looks at the queues. */
const LOOK_EVERY = 256;

/** Replaces parts of a world, for tests of what a run finds. */
export interface PlanParts {
  readonly createPublisher?: (options: ImagePublisherOptions) => WorldPublisher;
  readonly createDevice?: (hardware: Hardware, options: DeviceOptions) => SimulatedDevice;
}

/** Options of {@link runPlan}. */
export interface RunPlanOptions {
  readonly parts?: PlanParts | undefined;
  /** Called for each event of the network. */
  readonly onNetwork?: ((event: WorldEvent) => void) | undefined;
  /** Called for each entry of the devices' log. */
  readonly onLog?: ((entry: DeviceLogEntry) => void) | undefined;
  /** Called for each step of the plan. */
  readonly onStep?: ((step: PlanStep, nowMs: number) => void) | undefined;
  /** Called with the devices before the run. */
  readonly onDevices?: ((devices: readonly SimulatedDevice[]) => void) | undefined;
}

/** Result of a run. */
export interface PlanResult {
  readonly failure: WorldFailure | undefined;
  readonly network: NetworkCounts;
  /** Number of devices by how the offer ended on them; `off` for those without power. */
  readonly ends: Readonly<Record<string, number>>;
  /** Steps of the plan that took place, by type. */
  readonly steps: Readonly<Record<string, number>>;
  readonly boots: number;
  readonly powerCuts: number;
  readonly chunksSent: number;
  readonly publishers: number;
  /** Virtual time at the end, in milliseconds. */
  readonly endedAtMs: number;
}

/** Runs a world and checks it against the invariants. Everything is determined by the plan. */
export function runPlan(plan: WorldPlan, options: RunPlanOptions = {}): PlanResult {
  return new PlanRun(plan, options).run();
}

class PlanRun {
  readonly #plan: WorldPlan;
  readonly #options: RunPlanOptions;
  readonly #board: WorldBoard;
  readonly #world: World;
  readonly #watches: ReadonlyMap<string, DeviceWatch>;
  readonly #dead: Set<string> = new Set();
  readonly #publishers: WatchedPublisher[] = [];
  readonly #steps: Record<string, number> = {};
  #delivery: PublisherRun | undefined;
  #isDeliveryKilled = false;
  #haveFaultsEnded = false;
  #logged = 0;

  constructor(plan: WorldPlan, options: RunPlanOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#board = worldBoardOf(plan.chunks);
    const devices = plan.devices.map((device) => this.#createDevice(device));
    this.#watches = new Map(devices.map((device) => [device.id, new DeviceWatch(device, this.#board)]));
    this.#world = new World({
      seed: plan.seed,
      devices,
      network: networkOf(plan),
      traits: new Map(plan.devices.map((device) => [device.name, traitsOf(device)])),
      faults: plan.losses.map((loss) => ({ device: "*", delayMs: 5_000, ...loss })),
      observe: (event) => {
        this.#watches.get(event.client)?.onNetwork(event);
        options.onNetwork?.(event);
      },
    });
    options.onDevices?.(devices);
  }

  run(): PlanResult {
    this.#startPublisher();
    for (const step of this.#plan.steps) this.#world.schedule(step.atMs, () => this.#take(step));
    this.#world.schedule(this.#plan.faultsEndMs, () => this.#endFaults());
    let failure: WorldFailure | undefined;
    try {
      this.#drive();
    } catch (error) {
      failure = failureOf(error, this.#world.now);
    }
    return this.#result(failure);
  }

  #drive(): void {
    const { faultsEndMs } = this.#plan;
    const limit = faultsEndMs + SETTLE_MS;
    let steps = 0;
    while (!this.#haveFaultsEnded || !this.#isSettled()) {
      if (!this.#world.step() || this.#world.now > limit) {
        throw new BrokenInvariant("settled", `not settled at ${Math.round(this.#world.now)} ms: ${this.#states()}`);
      }
      this.#readLog();
      if (++steps % LOOK_EVERY === 0) this.#checkBounds();
      this.#redeploy();
    }
    this.#checkBounds();
    const judged = { plan: this.#plan, devices: this.#world.devices, dead: this.#dead, board: this.#board };
    judgeEnds(judged);
    judgeCost(this.#plan, { network: this.#world.counts, chunksSent: this.#chunksSent });
  }

  /** Tells the watches of what is new in the log. */
  #readLog(): void {
    const { log } = this.#world;
    for (; this.#logged < log.length; this.#logged++) {
      const entry = log[this.#logged];
      if (entry === undefined) return;
      this.#options.onLog?.(entry);
      this.#watches.get(entry.device)?.onLog(entry);
    }
  }

  #isSettled(): boolean {
    for (const { id, status, state } of this.#world.devices) {
      if (this.#dead.has(id)) continue;
      if (status !== "running") return false;
      if (state !== "confirmed" && state !== "rolled-back" && state !== "failed" && state !== "rejected") return false;
    }
    return true;
  }

  #states(): string {
    return this.#world.devices.map(({ id, status, state }) => `${id} ${status} ${state}`).join(", ");
  }

  #checkBounds(): void {
    const { offline, queuedMax } = this.#world.counts;
    if (offline > 0) throw new BrokenInvariant("offline", `${offline} messages were sent without a connection`);
    const { queueMax, inFlightMax } = this.#plan.network;
    // Packets of QoS 1 in flight, and both kinds that wait.
    const limit = 2 * queueMax + inFlightMax;
    if (queuedMax > limit) throw new BrokenInvariant("bounded", `${queuedMax} messages waited for one client`);
    const scheduled = SCHEDULED_MAX * (this.#plan.devices.length + this.#publishers.length);
    if (this.#world.scheduled <= scheduled) return;
    throw new BrokenInvariant("bounded", `${this.#world.scheduled} events are scheduled`);
  }

  #take(step: PlanStep): void {
    if ("device" in step && this.#dead.has(step.device)) return;
    this.#steps[step.type] = (this.#steps[step.type] ?? 0) + 1;
    this.#options.onStep?.(step, this.#world.now);
    const world = this.#world;
    switch (step.type) {
      case "drop-connection":
        return world.dropConnection(step.device, step.backMs);
      case "cut-power":
        return world.cutPower(step.device, step.offMs);
      case "cut-flash":
        return this.#cutFlash(step);
      case "sleep":
        return world.sleep(step.device, step.durationMs);
      case "die":
        this.#dead.add(step.device);
        return world.cutPower(step.device, undefined);
      case "partition":
        return world.partition(step.devices, step.durationMs);
      case "partition-publishers":
        return world.partitionPublishers(step.durationMs);
      case "restart-broker":
        return world.restartBroker(step.downMs, step.withStore);
      case "kill-publisher":
        this.#isDeliveryKilled = true;
        return this.#delivery?.kill();
      case "start-publisher":
        if (this.#isDeliveryKilled || this.#delivery?.outcome !== undefined) this.#startPublisher();
        return;
    }
  }

  #cutFlash({ device, operation, moment, atMs }: Extract<PlanStep, { type: "cut-flash" }>): void {
    const { hardware } = this.#watches.get(device)?.device ?? {};
    hardware?.flash.cutPowerAt({ operation, moment, seed: this.#plan.seed + atMs });
  }

  #endFaults(): void {
    this.#haveFaultsEnded = true;
    this.#world.stopMessageFaults();
    for (const { hardware } of this.#world.devices) hardware.flash.disarm();
    if (this.#isDeliveryKilled) this.#startPublisher();
  }

  /** Starts another publisher of the same offer once one has ended, as long as devices need it. */
  #redeploy(): void {
    if (this.#delivery?.outcome === undefined) return;
    this.#delivery.kill();
    this.#delivery = undefined;
    this.#world.schedule(REDEPLOY_MS, () => {
      if (this.#delivery === undefined && !this.#isSettled()) this.#startPublisher();
    });
  }

  #startPublisher(): void {
    const { rate, qos, spreadMs } = this.#plan.publisher;
    const { createPublisher = (options: ImagePublisherOptions) => new ImagePublisher(options) } =
      this.#options.parts ?? {};
    const expected = { devices: this.#plan.devices.map(({ name }) => name) };
    const options = { ...this.#board.publication(spreadMs), rate, qos, expected, spreadMs, timeoutMs: DEPLOY_MS };
    const watched = new WatchedPublisher(createPublisher(options), WORLD_TOPIC_ROOT, {
      rate,
      hasFullPace: () => hasFullPace(this.#plan, this.#world.counts, Object.keys(this.#steps).length),
    });
    this.#publishers.push(watched);
    this.#isDeliveryKilled = false;
    this.#delivery = this.#world.addPublisher(watched, WORLD_TOPIC_ROOT);
  }

  #createDevice(device: DevicePlan): SimulatedDevice {
    const { createDevice = (hardware: Hardware, options: DeviceOptions) => new SimulatedDevice(hardware, options) } =
      this.#options.parts ?? {};
    const hardware = this.#board.createHardware();
    const { badSector, selfTest, window, hasOldBootloader = false } = device;
    if (badSector !== undefined) {
      hardware.flash.setFaults([{ type: badSector.fault, sectorIndex: this.#board.targetSector + badSector.sector }]);
    }
    const rules: SelfTestRule[] = selfTest === undefined ? [] : [{ sha256: this.#board.newSha256, outcome: selfTest }];
    return createDevice(hardware, {
      id: device.name,
      topicRoot: WORLD_TOPIC_ROOT,
      product: WORLD_PRODUCT,
      seed: this.#plan.seed,
      agent: this.#plan.agent,
      selfTests: rules,
      bootloaderOptions: hasOldBootloader ? { rollback: false } : {},
      ...(window === undefined ? {} : { window }),
    });
  }

  get #chunksSent(): number {
    return this.#publishers.reduce((sum, { chunksSent }) => sum + chunksSent, 0);
  }

  #result(failure: WorldFailure | undefined): PlanResult {
    const { devices, log, counts, now } = this.#world;
    const ends: Record<string, number> = {};
    for (const { id, state } of devices) {
      const end = this.#dead.has(id) ? "off" : (state ?? "off");
      ends[end] = (ends[end] ?? 0) + 1;
    }
    for (const device of devices) device.halt();
    return {
      failure,
      network: { ...counts },
      ends,
      steps: this.#steps,
      boots: log.filter(({ type }) => type === "booted").length,
      powerCuts: devices.reduce((sum, { powerCutCount }) => sum + powerCutCount, 0),
      chunksSent: this.#chunksSent,
      publishers: this.#publishers.length,
      endedAtMs: Math.round(now),
    };
  }
}

function failureOf(error: unknown, nowMs: number): WorldFailure {
  const atMs = Math.round(nowMs);
  if (error instanceof BrokenInvariant) return { invariant: error.invariant, message: error.message, atMs };
  return {
    invariant: "exception",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    atMs,
  };
}

function networkOf({ network }: WorldPlan): NonNullable<ConstructorParameters<typeof World>[0]["network"]> {
  const { latencyMs, bytesPerSecond, receiveBytes, keepAliveMs, inFlightMax, queueMax } = network;
  const limits = { inFlightMax, queueMax };
  return {
    latencyMs,
    devices: { bytesPerSecond, receiveBytes, keepAliveMs, limits },
    publishers: { keepAliveMs, limits },
  };
}

function traitsOf({ joinsAtMs, flashFactor, bytesPerSecond, latencyMs }: DevicePlan): DeviceTraits {
  return {
    joinsAtMs,
    flashFactor,
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
  };
}
