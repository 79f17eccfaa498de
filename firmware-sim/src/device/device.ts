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
 * its own. The caller passes events in and carries out the returned actions, so the same object runs in a simulated
 * world and on a real broker.
 *
 * Every boot starts from the bytes in flash. The only other state that lasts is a flag in RTC memory, which survives a
 * software reset but not a loss of power.
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
  /** Totals of earlier boots. */
  #totals: DeviceTotals = { chunksReceived: 0, chunksUseful: 0, requests: 0 };
  #powerCutCount = 0;
  /** In RTC memory: software requested the pending reset. */
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

  /** The agent's state; without a running agent, its last one. */
  get state(): DeviceState | undefined {
    return this.#agent?.state ?? this.#lastReport?.state;
  }

  /** Result of the last boot, including the bootloader's console output. */
  get bootOutcome(): BootOutcome | undefined {
    return this.#outcome;
  }

  /** Provisioning data read at the last start; `undefined` if options describe the device. */
  get provisioning(): Provisioning | undefined {
    return this.#provisioning;
  }

  get powerCutCount(): number {
    return this.#powerCutCount;
  }

  /** Counts of what was fetched over all boots. */
  get totals(): DeviceTotals {
    const stats = this.#agent?.stats;
    if (stats === undefined) return this.#totals;
    return {
      chunksReceived: this.#totals.chunksReceived + stats.chunksReceived,
      chunksUseful: this.#totals.chunksUseful + stats.chunksUseful,
      requests: this.#totals.requests + stats.requests,
    };
  }

  /** The latest state report; up to date while the agent runs. */
  get report(): StateReport | undefined {
    return this.#agent?.report(true) ?? this.#lastReport;
  }

  /** MQTT will: what the broker publishes, retained, when the connection breaks. `undefined` without a running agent. */
  get will(): { readonly topic: string; readonly payload: Uint8Array } | undefined {
    if (this.#agent === undefined) return undefined;
    const topic = topicsOf(this.topicRoot).state(this.id);
    return { topic, payload: buildStateReport(this.#agent.report(false)) };
  }

  /**
   * Powers the device on, or starts it after a reset: bootloader, app, agent. If the agent runs (see {@link status}), the
   * caller connects it to the broker and sends the `connected` event.
   *
   * @param now - Milliseconds on a monotonic clock, as in every event.
   */
  boot(now: number): DeviceAction[] {
    this.#stopAgent();
    if (!this.hardware.flash.isPowered) this.hardware.flash.powerOn();
    this.#powerFaults.onPowerOn();
    const cleanReset = this.#isResetClean;
    this.#isResetClean = false;
    return this.#guard(now, () => this.#start(now, cleanReset));
  }

  /** Handles one event. Does nothing without a running agent. */
  handle(event: DeviceEvent): DeviceAction[] {
    const agent = this.#agent;
    if (agent === undefined) return [];
    return this.#guard(event.now, () => {
      const actions = this.#translate(event.now, agent.handle(event));
      this.#watchProgress(agent);
      return actions;
    });
  }

  /** Cuts the power between two events. */
  cutPower(): void {
    this.halt();
    this.#powerCutCount++;
  }

  /**
   * Holds the device in reset. Only the content of flash survives, and the last report. Call it when a device is no longer
   * needed: the receiver in C has memory that no garbage collector frees.
   */
  halt(): void {
    this.#stopAgent();
    this.#isResetClean = false;
    this.#status = "off";
  }

  /**
   * Cuts the power during a flash operation that the device's software did not start.
   *
   * @returns How long power stays off, in milliseconds.
   */
  losePower(): number {
    this.cutPower();
    return this.#powerFaults.onCut();
  }

  /** Returns a summary of the device, as commands print it. */
  summary(): DeviceSummary {
    const { id, status, state, report, hardware } = this;
    const { tableOffset } = this.#options.bootloaderOptions ?? {};
    return summarizeDevice({ id, status, state, report, hardware, tableOffset });
  }

  #start(now: number, cleanReset: boolean): DeviceAction[] {
    const {
      bootloaderOptions = {},
      appBuild,
      selfTests = [],
      selfTestMs = 100,
      timing,
      window,
      agent: kind,
    } = this.#options;
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
        timing,
        window,
        agent: kind,
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

  /** Returns the device's identity: read from NVS at each start, or from the options. */
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
    return [this.#log({ type: "state", now, device: this.id, state, error })];
  }

  /** Runs software until it ends, loses power or aborts. */
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
    this.#agent.dispose();
    this.#agent = undefined;
  }

  #log(entry: DeviceLogEntry): DeviceAction {
    return { type: "log", entry };
  }
}

/** Returns the FNV-1a hash of a name, so that devices with the same seed draw different numbers. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % 2 ** 20;
}
