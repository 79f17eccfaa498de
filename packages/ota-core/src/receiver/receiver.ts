import { assert } from "../assert.ts";
import type { OtaError } from "../errors.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { describeError, type ReportedError } from "../messages/reported-error.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { assertReceiverTiming, PROBATION_MAX_MS, RECEIVER_TIMING, type ReceiverTiming } from "../messages/timing.ts";
import { type Topics, topicsOf } from "../messages/topics.ts";
import type { Release, StateReport } from "../schemas/types.generated.ts";
import { DEVICE_ALGORITHMS } from "../signing/public-key.ts";
import { decideAtBoot } from "./decide-at-boot.ts";
import { DeviceTime, type KnownTimes } from "./device-time.ts";
import { Download } from "./download.ts";
import type { DownloadEnd, DownloadEvent } from "./download-events.ts";
import { type EnvelopeEvent, EnvelopeIntake, type IntakeResult } from "./envelope-intake.ts";
import { FlashTurns } from "./flash-turns.ts";
import { needsClock } from "./install-gate.ts";
import { refuseOffer } from "./offer-check.ts";
import { Probation, type ProbationEnd, type ProbationEvent } from "./probation.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import { ReceiverCounters } from "./receiver-counters.ts";
import type { ReceiverAction, ReceiverContext, ReceiverEvent, ReceiverStats } from "./receiver-events.ts";
import type { ReceiverOptions } from "./receiver-options.ts";
import {
  type Attempt,
  attemptOf,
  BLANK_RECORD,
  floorWith,
  type OfferOutcome,
  type Outcome,
  type ReceiverRecord,
  withOutcome,
  withoutWhole,
} from "./receiver-record.ts";
import { type OfferAnswer, ReceiverReports } from "./receiver-reports.ts";
import { type ReportState, reportOf } from "./report-of.ts";
import { withoutRejoins } from "./without-rejoins.ts";

type RestState = "idle" | "confirmed" | "rejected" | "rolled-back" | "failed";

/** What the device is doing: a discriminated union, so that what doesn't exist in a state can't be read in it. */
type Activity =
  | { readonly name: "resting"; readonly state: RestState }
  | { readonly name: "download"; readonly download: Download }
  | { readonly name: "probation"; readonly probation: Probation }
  /** The image before the offer runs, and makes the image that failed unbootable. */
  | { readonly name: "condemn"; readonly attempt: Attempt };

/** How an activity ended. */
type ActivityEnd = DownloadEnd | ProbationEnd | { readonly type: "condemned"; readonly attempt: Attempt };

type BootedEvent = Extract<ReceiverEvent, { type: "booted" }>;

/** An event of the current activity. */
type ActivityEvent = Extract<ReceiverEvent, { type: "hashes" | "chunk" | "flash-done" | "flash-failed" | "self-test" }>;

/**
 * The device's side of the delivery protocol: accepts offers, downloads images, starts them on probation, and confirms
 * them or rolls back.
 *
 * Sans-IO: {@link Receiver.handle} turns an event into actions and owns no socket, timer or flash. Answer every flash
 * action by one `flash-done` or `flash-failed`, and every `verify` by one `verified`; the receiver asks for the next one
 * after that. It never throws because of what arrives from outside.
 *
 * Its parts ({@link Download}, {@link Probation}, {@link ReceiverReports}, {@link EnvelopeIntake}) return what to do. The
 * receiver carries it out in order, and turns the `end` of one activity into the next.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #timing: ReceiverTiming;
  readonly #topics: Topics;
  readonly #reports: ReceiverReports;
  readonly #counters: ReceiverCounters = new ReceiverCounters();
  readonly #intake: EnvelopeIntake;
  readonly #time = new DeviceTime();
  #boot: BootedEvent | undefined;
  #record: ReceiverRecord = BLANK_RECORD;
  #activity: Activity = { name: "resting", state: "idle" };
  /** The offer that reports name, and the SHA-256 of its image. */
  #offerId: string | undefined;
  #image: string | undefined;
  #error: ReportedError | undefined;
  /** An authentic offer arrived that has to wait until the device rests. The broker repeats it then. */
  #isOfferWaiting = false;
  #mayReboot = true;
  /** An offer was rejected because the device does not know the time. */
  #isClockAwaited = false;
  /** An offer ended. The will, which is the report of the last connect, would take that back. */
  #isWillStale = false;
  #context: ReceiverContext = { now: 0, isConnected: false };
  #out: ReceiverAction[] = [];
  readonly #flash: FlashTurns = new FlashTurns();

  /**
   * @throws {@link OtaError} `protocol/topic-invalid`.
   * @throws {@link OtaError} `signing/key-set-product` for a key set of another product.
   * @throws {@link OtaError} `signing/unsupported-algorithm` for a key set that the device can't use.
   */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#timing = { ...RECEIVER_TIMING, ...options.timing };
    assertReceiverTiming(this.#timing);
    this.#topics = topicsOf(options.topicRoot);
    this.#reports = new ReceiverReports(this.#topics.state(options.device), this.#timing.reportMs);
    const { keySet, algorithms = DEVICE_ALGORITHMS } = options;
    this.#intake = new EnvelopeIntake({ ...options, keySet, algorithms }, this.#topics);
  }

  /** State of the device, as its reports name it. */
  get state(): DeviceState {
    const activity = this.#activity;
    if (activity.name === "resting") return activity.state;
    if (activity.name === "download") return activity.download.state;
    return activity.name === "probation" ? "pending-verify" : "rolled-back";
  }

  /** The error in reports. */
  get error(): ReportedError | undefined {
    return this.#error;
  }

  /** Chunks of the image that the slot holds, and chunks of the image; both 0 without a download. */
  get progress(): { readonly received: number; readonly total: number } {
    const { received = 0, total = 0 } = this.#download ?? {};
    return { received, total };
  }

  /** Counters since boot. */
  get stats(): ReceiverStats {
    return this.#counters.stats(this.#download?.requests ?? 0);
  }

  /**
   * Returns the state report as it would be sent now.
   *
   * @param online - `false` for the connection's will.
   */
  report(online: boolean): StateReport {
    return reportOf(this.#reportState(), online);
  }

  /**
   * Takes one event and returns what to do. The first event is `booted`; earlier events are ignored.
   *
   * @returns Actions, in the order in which they must be carried out.
   */
  handle(event: ReceiverEvent): ReceiverAction[] {
    assert(Number.isSafeInteger(event.now), "times are whole milliseconds");
    this.#out = [];
    this.#context = { now: event.now, isConnected: this.#context.isConnected };
    if (event.type === "booted") this.#onBooted(event);
    else if (this.#boot !== undefined) this.#dispatch(event);
    this.#emit(...this.#reports.changed(this.#reportState(), this.#context));
    // Last, because an adapter may end the connection for it.
    if (this.#isWillStale && this.#context.isConnected) this.#emit({ type: "renew-will" });
    this.#isWillStale = false;
    return withoutRejoins(this.#flash.pass(this.#out));
  }

  #dispatch(event: Exclude<ReceiverEvent, BootedEvent>): void {
    switch (event.type) {
      case "connected":
        return this.#onConnected(event.now);
      case "disconnected":
        this.#context = { now: event.now, isConnected: false };
        return;
      case "offer":
      case "key-set":
      case "verified":
        return this.#onEnvelope(event);
      case "clock":
        return this.#onClock(event.utc, event.now);
      case "network":
        if (this.#activity.name === "probation") this.#advanceProbation(this.#activity.probation, event);
        return;
      case "may-reboot":
        return this.#onMayReboot(event.allowed);
      case "timer":
        return this.#onTimer(event);
      case "cancel":
        if (this.#activity.name === "download") this.#endDownload("idle");
        return;
      case "flash-done":
      case "flash-failed": {
        const held = this.#flash.answered();
        return held === undefined ? this.#onActivityEvent(event) : this.#emit(held);
      }
      default:
        return this.#onActivityEvent(event);
    }
  }

  #onBooted(event: BootedEvent): void {
    this.#boot = event;
    this.#record = event.record ?? BLANK_RECORD;
    this.#emit(...this.#intake.resume(event.keySet));
    const decision = decideAtBoot(this.#record, event.running);
    const { attempt } = this.#record;
    this.#offerId = attempt?.offer;
    this.#image = attempt?.image;
    switch (decision.type) {
      case "resume":
        return this.#resume(decision.outcome);
      case "probation":
        if (decision.attempt !== undefined && decision.shouldStore) {
          this.#store({ ...this.#record, attempt: decision.attempt });
        }
        return this.#startProbation(decision.attempt, {
          type: "begin",
          durationMs: attempt?.probationMs ?? this.#timing.probationMs,
          maxMs: attempt?.probationMaxMs ?? PROBATION_MAX_MS,
        });
      case "roll-back":
        return this.#startProbation(decision.attempt, { type: "give-up", code: decision.error });
      case "condemn":
        // Erased before anything touches its otadata entry: a torn record could make it selectable again.
        this.#activity = { name: "condemn", attempt: decision.attempt };
        this.#error = describeError(decision.error);
        return this.#emit({ type: "erase-sector", offset: 0 });
      case "confirm":
        return this.#finish("confirmed", decision.attempt);
      case "rest":
        return;
    }
  }

  /** → resting, with the outcome of an offer that ended earlier. */
  #resume(outcome: OfferOutcome): void {
    this.#offerId = outcome.offer;
    this.#image = outcome.image;
    this.#error = outcome.error === undefined ? undefined : describeError(outcome.error);
    if (outcome.outcome !== "confirmed" || this.#isRunning(outcome.image)) this.#rest(outcome.outcome);
  }

  #isRunning(image: string): boolean {
    return this.#boot?.running.sha256 === image;
  }

  /** → probation. */
  #startProbation(attempt: Attempt | undefined, first: ProbationEvent): void {
    const probation = new Probation(attempt);
    this.#activity = { name: "probation", probation };
    this.#advanceProbation(probation, first);
  }

  #advanceProbation(probation: Probation, event: ProbationEvent): void {
    const { attempt, error, actions, end } = probation.handle(event, this.#context);
    if (attempt !== undefined) this.#store({ ...this.#record, attempt });
    if (error !== undefined) {
      this.#error = describeError(error);
      this.#publishReport();
    }
    this.#emit(...actions);
    if (end !== undefined) this.#onEnd(end);
  }

  #advanceDownload(download: Download, event: DownloadEvent): void {
    const { actions, drop, isUseful, end } = download.handle(event, this.#context);
    const isChangingSlot = actions.some(({ type }) => type === "erase-sector");
    if (isChangingSlot && this.#record.whole) this.#store(withoutWhole(this.#record));
    this.#emit(...actions);
    if (drop !== undefined) this.#counters.drop(drop);
    if (isUseful) this.#counters.chunksUseful++;
    if (end !== undefined) this.#onEnd(end);
  }

  /** Turns the end of an activity into what comes next. */
  #onEnd(end: ActivityEnd): void {
    switch (end.type) {
      case "ready":
        return this.#proceed();
      case "held":
        if (!this.#record.whole) this.#store({ ...this.#record, whole: true });
        return;
      case "allowed":
        return this.#setToBoot();
      case "switched":
        this.#publishReport();
        return this.#emit({ type: "reboot" });
      case "failed":
        return this.#failDownload(end.error);
      case "confirmed":
        return this.#finish("confirmed", end.attempt);
      case "stuck":
        this.#error = describeError("delivery/no-rollback");
        return this.#finish("failed", end.attempt);
      case "condemned":
        return this.#finish("rolled-back", end.attempt);
    }
  }

  #onActivityEvent(event: ActivityEvent): void {
    const activity = this.#activity;
    if (event.type === "chunk") this.#counters.chunksReceived++;
    if (event.type === "chunk" && this.#intake.isExamining) return this.#counters.drop("busy");
    if (event.type === "chunk" || event.type === "hashes") {
      if (activity.name !== "download") return this.#counters.drop("not-downloading");
      return this.#advanceDownload(activity.download, event);
    }
    if (activity.name === "probation") return this.#advanceProbation(activity.probation, event);
    if (event.type === "self-test") return;
    if (activity.name === "condemn") return this.#onEnd({ type: "condemned", attempt: activity.attempt });
    if (activity.name !== "download") return;
    this.#advanceDownload(activity.download, event);
    if (event.type === "flash-done" && this.state === "downloading") {
      this.#emit(...this.#reports.progress(this.#reportState(), this.#context));
    }
  }

  #onTimer(event: Extract<ReceiverEvent, { type: "timer" }>): void {
    const activity = this.#activity;
    if (event.timer === "verify") this.#emit(...this.#intake.timerFired(this.#context));
    if (event.timer === "report") {
      this.#reports.timerFired();
      if (activity.name === "download") this.#publishReport();
    }
    if (event.timer === "install") this.#proceed();
    if (activity.name === "download") this.#advanceDownload(activity.download, event);
    if (activity.name === "probation") this.#advanceProbation(activity.probation, event);
  }

  #onClock(utc: number | undefined, now: number): void {
    const { clock } = this.#time;
    clock.set(utc, now);
    if (clock.isSet && this.#isClockAwaited) {
      // The broker repeats the offer that was rejected for want of a clock.
      this.#isClockAwaited = false;
      this.#emit(...this.#intake.subscribe(this.#context));
    }
    this.#proceed();
  }

  #onConnected(now: number): void {
    this.#context = { now, isConnected: true };
    this.#emit(...this.#intake.subscribe(this.#context));
    this.#publishReport();
    const activity = this.#activity;
    if (activity.name === "download") this.#advanceDownload(activity.download, { type: "join" });
    if (activity.name === "probation") this.#advanceProbation(activity.probation, { type: "connected" });
  }

  #onEnvelope(event: EnvelopeEvent): void {
    const isMessage = event.type !== "verified";
    // The device has one buffer for messages: the chunk that is being written lies in it.
    const isWriting = this.#flash.isProgramming || this.#download?.isWriting === true;
    const isBufferTaken = isMessage && event.payload.length > 0 && isWriting;
    const step = isBufferTaken
      ? this.#intake.postpone("busy", event.now)
      : this.#intake.handle(event, this.#record, this.#context);
    this.#emit(...step.actions);
    if (step.result !== undefined) this.#onIntakeResult(step.result);
  }

  #onIntakeResult(result: IntakeResult): void {
    switch (result.kind) {
      case "admitted":
        return this.#takeUp(result.received, result.known);
      case "dropped":
        return this.#counters.drop(result.reason);
      case "early":
        this.#counters.drop("early");
        return this.#answer(result.offer, { state: "waiting", error: result.error, isAuthentic: false });
      case "refused": {
        const { error, isAuthentic, offer, reason } = result;
        this.#counters.refuse(reason, error.code);
        return this.#answer(offer, { state: "rejected", error, isAuthentic });
      }
      case "malformed":
        return this.#counters.refuse("malformed", result.error.code);
      case "key-set-refused":
        return this.#counters.refuse("untrusted", result.error.code);
      case "key-set-taken":
        return this.#onKeySetTaken();
    }
  }

  /** Ends a download that the key set before allowed, unless the image is already set to boot. */
  #onKeySetTaken(): void {
    if (this.#activity.name !== "download" || this.#download?.isSwitching === true) return;
    this.#endDownload("rejected");
    this.#error = describeError("offer/wrong-epoch");
  }

  #takeUp(received: ReceivedOffer, isKnown: boolean): void {
    const { offer, release, payloadSha256 } = received;
    const { name } = this.#activity;
    if (isKnown && this.#stands(offer)) return;
    if (name === "probation" || name === "condemn" || this.#download?.isSwitching === true)
      return this.#makeWait(offer);
    const refusal = release === undefined ? undefined : this.#refusalOf(offer, release, isKnown);
    if (refusal !== undefined) return this.#reject(offer, refusal);
    if (name === "download") this.#endDownload("idle");
    if (!isKnown) {
      const accepted = [offer.epoch, offer.sequence] as const;
      this.#store({ accepted, payloadSha256, floor: floorWith(this.#record, offer) });
    }
    this.#offerId = offer.id;
    this.#image = release?.image.sha256;
    this.#error = release === undefined ? describeError("offer/withdrawn") : undefined;
    if (release === undefined) return this.#endOffer("idle");
    if (this.#isRunning(release.image.sha256)) return this.#finish("confirmed", undefined);
    this.#startDownload(offer, release);
  }

  /**
   * Returns `true` if the accepted offer, delivered again, changes nothing: an activity goes on, and what ended stays
   * ended. Nothing is written to flash for this, even if other offers came in between.
   */
  #stands(offer: OfferDocument): boolean {
    const { outcome } = this.#record;
    if (this.#activity.name !== "resting") return this.#offerId === offer.id;
    // A new will would take a new connection, on which the broker delivers the withdrawal again.
    if (this.#error?.code === "offer/withdrawn" && this.#offerId === offer.id) return true;
    if (outcome?.offer !== offer.id) return false;
    if (outcome.outcome === "confirmed" && !this.#isRunning(outcome.image)) return false;
    this.#resume(outcome);
    return true;
  }

  /** Makes an offer wait. The device keeps no copy: it subscribes again when it rests. */
  #makeWait(offer: OfferDocument): void {
    this.#isOfferWaiting = true;
    this.#answer(offer, { state: "waiting", error: undefined, isAuthentic: true });
  }

  /** Returns why the device can't take an offer, as far as it can know before the first erase. */
  #refusalOf(offer: OfferDocument, release: Release, isKnown: boolean): OtaError | undefined {
    const { product, chipId } = this.#options;
    const timeFloor = this.#time.latest(offer.epoch, this.#record, this.#knownTimes(), this.#context.now);
    // An accepted offer was taken while the device knew the time. After a reset it waits for the time to come back.
    const hasClock = isKnown || this.#time.clock.isSet;
    if (!hasClock && needsClock(offer)) this.#isClockAwaited = true;
    return refuseOffer(offer, release, { ...(this.#boot as BootedEvent), product, chipId, hasClock, timeFloor });
  }

  #startDownload(offer: OfferDocument, release: Release): void {
    const { running, cleanReset, target } = this.#boot as BootedEvent;
    const { device, random, window = 0 } = this.#options;
    const download = new Download(offer, release, {
      device,
      random,
      window,
      topics: this.#topics,
      timing: this.#timing,
      projectName: running.projectName,
      trustsFlash: cleanReset || this.#record.whole === true,
      isCondemned: target?.condemned ?? false,
    });
    this.#activity = { name: "download", download };
    this.#advanceDownload(download, { type: "join" });
  }

  #onMayReboot(isAllowed: boolean): void {
    this.#mayReboot = isAllowed;
    this.#proceed();
  }

  /** Sets a verified image to boot, unless something holds it back. */
  #proceed(): void {
    const { now } = this.#context;
    if (this.#download?.isReady !== true) return;
    const conditions = { now, utc: this.#time.clock.utcAt(now), mayReboot: this.#mayReboot };
    this.#advanceDownload(this.#download, { type: "proceed", conditions });
  }

  /** Stores the attempt before the image is set to boot, so that no power cut can start it a third time. */
  #setToBoot(): void {
    const download = this.#download;
    if (download === undefined) return;
    const { offer, release } = download;
    const attempt = attemptOf(this.#record, offer, release, this.#timing.probationMs);
    this.#store({ ...this.#record, attempt });
    this.#advanceDownload(download, { type: "switch" });
  }

  #failDownload({ code, message }: OtaError): void {
    const { offer = "", image = "" } = { offer: this.#offerId, image: this.#image };
    this.#store(withOutcome(this.#record, { offer, image, outcome: "failed", error: code }));
    this.#error = { code, message };
    this.#endDownload("failed");
    this.#isWillStale = true;
    this.#lookAgain();
  }

  #knownTimes(): KnownTimes {
    return { builtAt: this.#boot?.running.builtAt, keySetIssuedAt: this.#intake.keySet?.issued_at };
  }

  #reject(offer: OfferDocument, error: OtaError): void {
    this.#raiseFloor(offer);
    const activity = this.#activity;
    const hasNoOffer = activity.name === "resting" && (activity.state === "idle" || activity.state === "rejected");
    // The retained report stays about the current offer, and how it ended.
    if (!hasNoOffer) return this.#answer(offer, { state: "rejected", error, isAuthentic: true });
    if (this.#offerId === offer.id && activity.state === "rejected") return;
    if (!this.#reports.mayAnswer(this.#context.now, true)) return;
    this.#offerId = offer.id;
    this.#image = undefined;
    this.#error = { code: error.code, message: error.message };
    this.#rest("rejected");
  }

  /** Raises the floor by the time of a signed offer, even if the device can't take the offer. */
  #raiseFloor(offer: OfferDocument): void {
    if (this.#intake.keySet === undefined) return;
    const record = this.#time.raised(offer, this.#record, this.#knownTimes());
    if (record !== undefined) this.#store(record);
  }

  /** → resting. The offer ended on this device; the broker repeats one that had to wait. */
  #finish(outcome: Outcome, attempt: Attempt | undefined): void {
    const offer = attempt?.offer ?? this.#offerId;
    const image = attempt?.image ?? this.#image;
    const error = this.#error?.code;
    if (offer !== undefined && image !== undefined) {
      this.#store(withOutcome(this.#record, { offer, image, outcome, ...(error === undefined ? {} : { error }) }));
    }
    this.#emit({ type: "clear-timer", timer: "probation" });
    this.#endOffer(outcome);
    this.#lookAgain();
  }

  /** Subscribes again if an offer had to wait: the broker repeats it. */
  #lookAgain(): void {
    if (!this.#isOfferWaiting) return;
    this.#isOfferWaiting = false;
    this.#emit(...this.#intake.subscribe(this.#context));
  }

  #endDownload(state: RestState): void {
    const download = this.#download;
    if (download === undefined) return;
    this.#counters.requests += download.requests;
    this.#advanceDownload(download, { type: "leave" });
    this.#rest(state);
  }

  #endOffer(state: RestState): void {
    this.#rest(state);
    this.#isWillStale = true;
  }

  #rest(state: RestState): void {
    this.#activity = { name: "resting", state };
  }

  get #download(): Download | undefined {
    return this.#activity.name === "download" ? this.#activity.download : undefined;
  }

  #store(record: ReceiverRecord): void {
    this.#record = record;
    this.#emit({ type: "store", record });
  }

  #publishReport(): void {
    this.#emit(...this.#reports.publish(this.#reportState(), this.#context));
  }

  #answer({ id }: OfferDocument, answer: Omit<OfferAnswer, "offer">): void {
    this.#emit(...this.#reports.answer({ offer: id, ...answer }, this.#reportState(), this.#context));
  }

  #reportState(): ReportState {
    return {
      device: this.#options.device,
      state: this.state,
      offer: this.#offerId,
      image: this.#image,
      error: this.#error,
      accepted: this.#record.accepted,
      keySet: this.#intake.keySet?.epoch,
      hasClock: this.#time.clock.isSet,
      boot: this.#boot,
      download: this.#download,
      counters: this.#counters,
    };
  }

  #emit(...actions: readonly ReceiverAction[]): void {
    this.#out.push(...actions);
  }
}
