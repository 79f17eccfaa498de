import { buildStateReport, type DeviceState, isOtaError, type StateReport, topicsOf, utf8 } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import { type AgentAction, OtaAgent } from "../agent/agent.ts";
import { type AgentIdentity, agentIdentityOf, readProvisionedIdentity } from "../agent/provisioned.ts";
import type { Hardware } from "../boot/boot-options.ts";
import { type BootOutcome, runBootloader } from "../boot/bootloader.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { type AppContext, createAppContext } from "../esp-idf/app-context.ts";
import { type Fault, faultsOf } from "../fault/fault.ts";
import { PowerFaults } from "../fault/power-faults.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { createRandom, type Random } from "../random/random.ts";
import { appOptionsOf, startsOnProbation } from "./app-options.ts";
import type { DeviceAction, DeviceEvent, DeviceLogEntry, DeviceStatus, DeviceTotals } from "./device-events.ts";
import type { DeviceOptions } from "./device-options.ts";
import { type DeviceSummary, summarizeDevice } from "./device-summary.ts";

/**
 * One ESP32 with its firmware: bootloader, app and OTA agent over flash and eFuses, without network, clock or timers of
 * its own. Whoever runs it hands events in and carries actions out; the same object runs in a simulated world and on a
 * real broker.
 *
 * Every boot starts anew from the bytes in flash. Nothing else lasts, but for one flag in RTC memory, which outlives a
 * reset by software and no loss of power.
 */
export class SimulatedDevice {
  readonly id: string;
  readonly topicRoot: string;
  readonly hardware: Hardware;
  readonly #options: DeviceOptions;
  readonly #faults: readonly Fault[];
  readonly #powerFaults: PowerFaults;
  readonly #random: Random;
  #agent: OtaAgent | undefined;
  #outcome: BootOutcome | undefined;
  #status: DeviceStatus = "off";
  #lastReport: StateReport | undefined;
  #loggedState = "";
  #provisioning: Provisioning | undefined;
  /** Totals of the boots before this one. */
  #totals: DeviceTotals = { chunksReceived: 0, chunksUseful: 0, requests: 0 };
  #powerCutCount = 0;
  /** In RTC memory: software asked for the reset that is under way. */
  #isResetClean = false;

  constructor(hardware: Hardware, options: DeviceOptions) {
    this.id = options.id;
    this.topicRoot = options.topicRoot ?? "tinybms/gateway/ota";
    topicsOf(this.topicRoot).state(this.id);
    this.hardware = hardware;
    this.#options = options;
    this.#provisioning = options.provisioning;
    this.#faults = faultsOf(options.faults ?? [], options.id);
    this.#powerFaults = new PowerFaults(this.#faults, hardware.flash);
    this.#random = createRandom((options.seed ?? 1) * 2 ** 20 + hashOf(options.id));
  }

  get status(): DeviceStatus {
    return this.#status;
  }

  /** The agent's state; of a device without one the last it had. */
  get state(): DeviceState | undefined {
    return this.#agent?.state ?? this.#lastReport?.state;
  }

  /** How the last start went, with the console of the bootloader. */
  get bootOutcome(): BootOutcome | undefined {
    return this.#outcome;
  }

  /** What it was told in the factory, as it read it at its last start; `undefined` for a device that options describe. */
  get provisioning(): Provisioning | undefined {
    return this.#provisioning;
  }

  get powerCutCount(): number {
    return this.#powerCutCount;
  }

  /** What was fetched over all boots. */
  get totals(): DeviceTotals {
    const stats = this.#agent?.stats;
    if (stats === undefined) return this.#totals;
    return {
      chunksReceived: this.#totals.chunksReceived + stats.chunksReceived,
      chunksUseful: this.#totals.chunksUseful + stats.chunksUseful,
      requests: this.#totals.requests + stats.requests,
    };
  }

  /** The latest state report, as of now while the agent runs. */
  get report(): StateReport | undefined {
    return this.#agent?.report(true) ?? this.#lastReport;
  }

  /** What the broker is to say, retained, when the connection breaks; `undefined` without an agent that could connect. */
  get will(): { readonly topic: string; readonly payload: Uint8Array } | undefined {
    if (this.#agent === undefined) return undefined;
    const topic = topicsOf(this.topicRoot).state(this.id);
    return { topic, payload: buildStateReport(this.#agent.report(false)) };
  }

  /**
   * Gives power, or starts again after a reset: bootloader, app, agent. When the agent runs ({@link status}) the caller
   * connects it, and says so by `connected`.
   *
   * @param now - In milliseconds on a clock that never goes back, as in every event.
   */
  boot(now: number): DeviceAction[] {
    this.#stopAgent();
    if (!this.hardware.flash.isPowered) this.hardware.flash.powerOn();
    this.#powerFaults.onPowerOn();
    const cleanReset = this.#isResetClean;
    this.#isResetClean = false;
    return this.#guard(now, () => this.#start(now, cleanReset));
  }

  /** Takes one event. Without a running agent nothing happens. */
  handle(event: DeviceEvent): DeviceAction[] {
    const agent = this.#agent;
    if (agent === undefined) return [];
    return this.#guard(event.now, () => {
      const actions = this.#translate(event.now, agent.handle(event));
      this.#watchProgress(agent);
      return actions;
    });
  }

  /** Takes power away between two events. */
  cutPower(): void {
    this.halt();
    this.#powerCutCount++;
  }

  /** Stops the device where it is: held in reset, it forgets all but what is in flash. */
  halt(): void {
    this.#stopAgent();
    this.#isResetClean = false;
    this.#status = "off";
  }

  /** Power went in the middle of a flash operation that was not the device's software's. @returns For how long, in milliseconds. */
  losePower(): number {
    this.cutPower();
    return this.#powerFaults.onCut();
  }

  /** What the device's flash and agent say now, in the form in which commands print it. */
  summary(): DeviceSummary {
    const { id, status, state, report, hardware } = this;
    const { tableOffset } = this.#options.bootloaderOptions ?? {};
    return summarizeDevice({ id, status, state, report, hardware, tableOffset });
  }

  #start(now: number, cleanReset: boolean): DeviceAction[] {
    const { bootloaderOptions = {}, appBuild, selfTests = [], selfTestMs = 100, timing, window } = this.#options;
    this.#outcome = runBootloader(this.hardware, bootloaderOptions);
    if (this.#outcome.kind === "reset-loop") {
      this.#status = "reset-loop";
      return [this.#log({ type: "reset-loop", now, device: this.id, reason: this.#outcome.reason })];
    }
    const app = createAppContext(this.hardware, this.#outcome, appOptionsOf(bootloaderOptions, appBuild));
    const identity = this.#identity(app);
    if ("unreadable" in identity) {
      this.#status = "unprovisioned";
      return [this.#log({ type: "unprovisioned", now, device: this.id, message: identity.unreadable })];
    }
    const agent = new OtaAgent(
      app,
      {
        ...identity,
        verify: this.#options.verify,
        random: () => this.#random.float(),
        selfTests: [...this.#faults.filter((fault) => fault.type === "self-test"), ...selfTests],
        selfTestMs,
        ...(timing === undefined ? {} : { timing }),
        ...(window === undefined ? {} : { window }),
      },
      { now, image: this.#outcome.image, cleanReset, rollback: startsOnProbation(bootloaderOptions, appBuild) },
    );
    this.#agent = agent;
    this.#status = "running";
    this.#loggedState = "";
    const { version, slot } = agent.running;
    const { bootCount } = agent;
    const rolledBack = this.#outcome.trace.some((event) => "reason" in event && event.reason === "not-confirmed");
    const booted = this.#log({ type: "booted", now, device: this.id, version, slot, bootCount, rolledBack });
    return [booted, ...this.#translate(now, agent.begin())];
  }

  /** Who the device is: by its NVS, at each start anew, or by options. */
  #identity(app: AppContext): AgentIdentity | { readonly unreadable: string } {
    const { provisioning, product = "TinyBMS Web Gateway", allowUnsigned = true, keySet } = this.#options;
    if (provisioning === undefined) {
      return { device: this.id, topicRoot: this.topicRoot, product, allowUnsigned, keySet };
    }
    try {
      this.#provisioning = readProvisionedIdentity(app);
      return agentIdentityOf(this.#provisioning);
    } catch (error) {
      if (!isOtaError(error)) throw error;
      this.#provisioning = undefined;
      return { unreadable: error.message };
    }
  }

  #translate(now: number, wanted: readonly AgentAction[]): DeviceAction[] {
    const actions: DeviceAction[] = [];
    for (const action of wanted) {
      if (action.type !== "reboot") actions.push(action);
    }
    actions.push(...this.#logState(now));
    if (wanted.at(-1)?.type === "reboot") {
      this.#stopAgent();
      this.#isResetClean = true;
      actions.push({ type: "reset", flush: true });
    }
    return actions;
  }

  #logState(now: number): DeviceAction[] {
    if (this.#agent === undefined) return [];
    const { state, error } = this.#agent;
    const seen = `${state} ${error?.code ?? ""}`;
    if (seen === this.#loggedState) return [];
    this.#loggedState = seen;
    return [this.#log({ type: "state", now, device: this.id, state, ...(error === undefined ? {} : { error }) })];
  }

  /** Runs software until it is done, loses power or gives up. */
  #guard(now: number, software: () => DeviceAction[]): DeviceAction[] {
    try {
      return software();
    } catch (error) {
      if (error instanceof PowerCut) {
        const powerOnAfterMs = this.losePower();
        const log = this.#log({ type: "power-cut", now, device: this.id, message: error.message });
        return [log, { type: "power-lost", powerOnAfterMs }];
      }
      if (!(error instanceof EspAbort)) throw error;
      this.#stopAgent();
      return [
        this.#log({ type: "panic", now, device: this.id, message: error.message }),
        { type: "reset", flush: false },
      ];
    }
  }

  #watchProgress(agent: OtaAgent): void {
    if (!this.#powerFaults.watchesProgress || agent.state !== "downloading") return;
    const { received, total } = agent.progress;
    if (total > 0) this.#powerFaults.onProgress(received / total);
  }

  #stopAgent(): void {
    if (this.#agent === undefined) return;
    this.#lastReport = this.#agent.report(false);
    this.#totals = this.totals;
    this.#agent = undefined;
  }

  #log(entry: DeviceLogEntry): DeviceAction {
    return { type: "log", entry };
  }
}

/** FNV-1a, so that devices of one seed draw different numbers. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % 2 ** 20;
}
