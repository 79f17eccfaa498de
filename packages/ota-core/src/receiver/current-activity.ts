import type { OtaError } from "../errors.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { PROBATION_MAX_MS } from "../messages/timing.ts";
import type { Release } from "../schemas/types.generated.ts";
import { decideAtBoot } from "./decide-at-boot.ts";
import { Download } from "./download.ts";
import type { DownloadEnd, DownloadEvent, DownloadOptions } from "./download-events.ts";
import type { InstallConditions } from "./install-gate.ts";
import type { OfferLedger } from "./offer-ledger.ts";
import { Probation, type ProbationEnd, type ProbationEvent } from "./probation.ts";
import type { ReceiverCounters } from "./receiver-counters.ts";
import type { ReceiverAction, ReceiverContext, ReceiverEvent } from "./receiver-events.ts";
import { type Attempt, attemptOf, type OfferOutcome, type Outcome } from "./receiver-record.ts";

/** State of a device at rest: how the last offer ended. */
export type RestState = "idle" | "confirmed" | "rejected" | "rolled-back" | "failed";

/** What the device is doing: a discriminated union, so that what doesn't exist in a state can't be read in it. */
type Activity =
  | { readonly name: "resting"; readonly state: RestState }
  | { readonly name: "download"; readonly download: Download }
  | { readonly name: "probation"; readonly probation: Probation }
  /** The image before the offer runs, and makes the image that failed unbootable. */
  | { readonly name: "condemn"; readonly attempt: Attempt };

/** An event that concerns an activity. */
export type ActivityEvent =
  | Extract<
      ReceiverEvent,
      { type: "hashes" | "chunk" | "timer" | "network" | "self-test" | "flash-done" | "flash-failed" }
    >
  /** The broker accepted a connection. */
  | { readonly type: "connected" }
  /** Something changed that may hold a verified image back, or time has passed. */
  | { readonly type: "proceed"; readonly conditions: InstallConditions };

/** What an activity wants done: an action, or what only the receiver can do. */
export type ActivityStep =
  | ReceiverAction
  /** Report the state. */
  | { readonly type: "report" }
  /** A verified image waits: send the event `proceed`. */
  | { readonly type: "ready" }
  /** The offer ended on this device, and another may follow. */
  | { readonly type: "offer-ended" };

/** Options of a {@link CurrentActivity}. */
export type ActivityOptions = Pick<DownloadOptions, "device" | "topics" | "timing" | "window" | "random" | "sha256">;

type BootedEvent = Extract<ReceiverEvent, { type: "booted" }>;

/**
 * What a device is doing: resting, a download, a probation, or making an image unbootable that failed. One switch turns
 * the end of an activity into the next one.
 *
 * Sans-IO: each method returns what to do, in order.
 */
export class CurrentActivity {
  readonly #options: ActivityOptions;
  readonly #ledger: OfferLedger;
  readonly #counters: ReceiverCounters;
  #boot: BootedEvent | undefined;
  #activity: Activity = { name: "resting", state: "idle" };
  #context: ReceiverContext = { now: 0, isConnected: false };
  #steps: ActivityStep[] = [];

  /**
   * @param ledger - Where the results of activities go.
   * @param counters - What counts chunks and requests.
   */
  constructor(options: ActivityOptions, ledger: OfferLedger, counters: ReceiverCounters) {
    this.#options = options;
    this.#ledger = ledger;
    this.#counters = counters;
  }

  /** State of the device, as its reports name it. */
  get state(): DeviceState {
    const activity = this.#activity;
    if (activity.name === "resting") return activity.state;
    if (activity.name === "download") return activity.download.state;
    return activity.name === "probation" ? "pending-verify" : "rolled-back";
  }

  /** `true` if the device does nothing for an offer. */
  get isResting(): boolean {
    return this.#activity.name === "resting";
  }

  /** `true` if another offer may take the place of what the device is doing. */
  get isReplaceable(): boolean {
    return this.isResting || this.download?.isSwitching === false;
  }

  /** The running download; `undefined` without one. */
  get download(): Download | undefined {
    return this.#activity.name === "download" ? this.#activity.download : undefined;
  }

  /** Begins what the record and the running image call for after a boot. */
  boot(event: BootedEvent, context: ReceiverContext): readonly ActivityStep[] {
    this.#begin(context);
    this.#boot = event;
    const { record } = this.#ledger;
    const decision = decideAtBoot(record, event.running);
    switch (decision.type) {
      case "resume":
        this.resume(decision.outcome);
        break;
      case "probation":
        if (decision.attempt !== undefined && decision.shouldStore) {
          this.#emit(this.#ledger.store({ ...record, attempt: decision.attempt }));
        }
        this.#startProbation(decision.attempt, {
          type: "begin",
          durationMs: record.attempt?.probationMs ?? this.#options.timing.probationMs,
          maxMs: record.attempt?.probationMaxMs ?? PROBATION_MAX_MS,
        });
        break;
      case "roll-back":
        this.#startProbation(decision.attempt, { type: "give-up", code: decision.error });
        break;
      case "condemn":
        // Erased before anything touches its otadata entry: a torn record could make it selectable again.
        this.#activity = { name: "condemn", attempt: decision.attempt };
        this.#ledger.blame(decision.error);
        this.#emit({ type: "erase-sector", offset: 0 });
        break;
      case "confirm":
        this.#finish("confirmed", decision.attempt);
        break;
      case "rest":
        break;
    }
    return this.#steps;
  }

  /** Takes one event. Counts a message for a download that is not under way. */
  handle(event: ActivityEvent, context: ReceiverContext): readonly ActivityStep[] {
    this.#begin(context);
    const activity = this.#activity;
    const isForDownload = event.type === "chunk" || event.type === "hashes";
    if (activity.name === "download") this.#onDownloadEvent(activity.download, event);
    else if (isForDownload) this.#counters.drop("not-downloading");
    else if (activity.name === "probation" && event.type !== "proceed") {
      this.#advanceProbation(activity.probation, event);
    } else if (activity.name === "condemn" && (event.type === "flash-done" || event.type === "flash-failed")) {
      this.#finish("rolled-back", activity.attempt);
    }
    return this.#steps;
  }

  /** → download, from rest. */
  startDownload(offer: OfferDocument, release: Release, context: ReceiverContext): readonly ActivityStep[] {
    this.#begin(context);
    const { running, cleanReset, target } = this.#boot as BootedEvent;
    const download = new Download(offer, release, {
      ...this.#options,
      projectName: running.projectName,
      trustsFlash: cleanReset || this.#ledger.record.whole === true,
      isCondemned: target?.condemned ?? false,
    });
    this.#activity = { name: "download", download };
    this.#advanceDownload(download, { type: "join" });
    return this.#steps;
  }

  /** download → resting; without effect if there is no download. */
  endDownload(state: RestState, context: ReceiverContext): readonly ActivityStep[] {
    this.#begin(context);
    this.#leaveDownload(state);
    return this.#steps;
  }

  /** resting → resting, with the offer at hand confirmed: the device runs its image already. */
  confirm(context: ReceiverContext): readonly ActivityStep[] {
    this.#begin(context);
    this.#finish("confirmed", undefined);
    return this.#steps;
  }

  /** → resting. */
  rest(state: RestState): void {
    this.#activity = { name: "resting", state };
  }

  /** → resting, with the outcome of an offer that ended earlier. */
  resume(outcome: OfferOutcome): void {
    this.#ledger.resume(outcome);
    if (outcome.outcome !== "confirmed" || this.#ledger.isRunning(outcome.image)) this.rest(outcome.outcome);
  }

  #onDownloadEvent(download: Download, event: ActivityEvent): void {
    switch (event.type) {
      case "connected":
        return this.#advanceDownload(download, { type: "join" });
      case "network":
      case "self-test":
        return;
      case "proceed":
        if (download.isReady) this.#advanceDownload(download, event);
        return;
      default:
        return this.#advanceDownload(download, event);
    }
  }

  #advanceDownload(download: Download, event: DownloadEvent): void {
    const { actions, drop, isUseful, end } = download.handle(event, this.#context);
    if (actions.some(({ type }) => type === "erase-sector")) this.#emit(...this.#ledger.setWhole(false));
    this.#emit(...actions);
    if (drop !== undefined) this.#counters.drop(drop);
    if (isUseful) this.#counters.chunksUseful++;
    if (end !== undefined) this.#onEnd(end);
  }

  /** → probation. */
  #startProbation(attempt: Attempt | undefined, first: ProbationEvent): void {
    const probation = new Probation(attempt);
    this.#activity = { name: "probation", probation };
    this.#advanceProbation(probation, first);
  }

  #advanceProbation(probation: Probation, event: ProbationEvent): void {
    const { attempt, error, actions, end } = probation.handle(event, this.#context);
    if (attempt !== undefined) this.#emit(this.#ledger.store({ ...this.#ledger.record, attempt }));
    if (error !== undefined) {
      this.#ledger.blame(error);
      this.#emit({ type: "report" });
    }
    this.#emit(...actions);
    if (end !== undefined) this.#onEnd(end);
  }

  /** Turns the end of an activity into what comes next. */
  #onEnd(end: DownloadEnd | ProbationEnd): void {
    switch (end.type) {
      case "ready":
        return this.#emit({ type: "ready" });
      case "held":
        return this.#emit(...this.#ledger.setWhole(true));
      case "allowed":
        return this.#setToBoot();
      case "switched":
        return this.#emit({ type: "report" }, { type: "reboot" });
      case "failed":
        return this.#failDownload(end.error);
      case "confirmed":
        return this.#finish("confirmed", end.attempt);
      case "stuck":
        this.#ledger.blame("delivery/no-rollback");
        return this.#finish("failed", end.attempt);
    }
  }

  /** Stores the attempt before the image is set to boot, so that no power cut can start it a third time. */
  #setToBoot(): void {
    const { download } = this;
    if (download === undefined) return;
    const { record } = this.#ledger;
    const attempt = attemptOf(record, download.offer, download.release, this.#options.timing.probationMs);
    this.#emit(this.#ledger.store({ ...record, attempt }));
    this.#advanceDownload(download, { type: "switch" });
  }

  #failDownload(error: OtaError): void {
    this.#emit(this.#ledger.fail(error));
    this.#leaveDownload("failed");
    this.#emit({ type: "offer-ended" });
  }

  #leaveDownload(state: RestState): void {
    const { download } = this;
    if (download === undefined) return;
    this.#counters.requests += download.requests;
    this.#advanceDownload(download, { type: "leave" });
    this.rest(state);
  }

  /** → resting. The offer ended on this device. */
  #finish(outcome: Outcome, attempt: Attempt | undefined): void {
    this.#emit(...this.#ledger.end(outcome, attempt), { type: "clear-timer", timer: "probation" });
    this.rest(outcome);
    this.#emit({ type: "offer-ended" });
  }

  #begin(context: ReceiverContext): void {
    this.#context = context;
    this.#steps = [];
  }

  #emit(...steps: readonly ActivityStep[]): void {
    this.#steps.push(...steps);
  }
}
