import { assert } from "../assert.ts";
import type { OtaError } from "../errors.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { ReportedError } from "../messages/reported-error.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { assertReceiverTiming, RECEIVER_TIMING } from "../messages/timing.ts";
import { topicsOf } from "../messages/topics.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { DEVICE_ALGORITHMS } from "../signing/public-key.ts";
import { type ActivityEvent, type ActivityStep, CurrentActivity } from "./current-activity.ts";
import type { EnvelopeEvent } from "./envelope-intake.ts";
import { FlashTurns } from "./flash-turns.ts";
import { OfferIntake, type OfferIntakeResult } from "./offer-intake.ts";
import { OfferLedger } from "./offer-ledger.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import { ReceiverCounters } from "./receiver-counters.ts";
import type { ReceiverAction, ReceiverContext, ReceiverEvent, ReceiverStats } from "./receiver-events.ts";
import type { ReceiverOptions } from "./receiver-options.ts";
import { ReceiverReports } from "./receiver-reports.ts";
import { type ReportState, reportOf } from "./report-of.ts";
import { withoutRejoins } from "./without-rejoins.ts";

type BootedEvent = Extract<ReceiverEvent, { type: "booted" }>;

/**
 * The device's side of the delivery protocol: accepts offers, downloads images, starts them on probation, and confirms
 * them or rolls back.
 *
 * Sans-IO: {@link Receiver.handle} turns an event into actions and owns no socket, timer or flash. Answer every flash
 * action by one `flash-done` or `flash-failed`, and every `verify` by one `verified`; the receiver asks for the next one
 * after that. It never throws because of what arrives from outside.
 *
 * Its parts return what to do: {@link OfferIntake} about offers and key sets, {@link CurrentActivity} about downloads and
 * probations, {@link ReceiverReports} about reports. {@link OfferLedger} holds what they know of offers. The receiver hands
 * events to the parts and carries out in order what they return.
 */
export class Receiver {
  readonly #device: string;
  readonly #reports: ReceiverReports;
  readonly #counters: ReceiverCounters = new ReceiverCounters();
  readonly #ledger: OfferLedger = new OfferLedger();
  readonly #intake: OfferIntake;
  readonly #activity: CurrentActivity;
  readonly #flash: FlashTurns = new FlashTurns();
  #boot: BootedEvent | undefined;
  #mayReboot = true;
  /** An offer ended. The will, which is the report of the last connect, would take that back. */
  #isWillStale = false;
  #context: ReceiverContext = { now: 0, isConnected: false };
  #out: ReceiverAction[] = [];

  /**
   * @throws {@link OtaError} `protocol/topic-invalid`.
   * @throws {@link OtaError} `signing/key-set-product` for a key set of another product.
   * @throws {@link OtaError} `signing/unsupported-algorithm` for a key set that the device can't use.
   */
  constructor(options: ReceiverOptions) {
    const { device, random, window = 0, keySet, algorithms = DEVICE_ALGORITHMS, sha256 } = options;
    const timing = { ...RECEIVER_TIMING, ...options.timing };
    assertReceiverTiming(timing);
    const topics = topicsOf(options.topicRoot);
    this.#device = device;
    this.#reports = new ReceiverReports(topics.state(device), timing.reportMs);
    this.#intake = new OfferIntake({ ...options, keySet, algorithms }, topics, this.#ledger, this.#counters);
    this.#activity = new CurrentActivity(
      { device, topics, timing, window, random, sha256 },
      this.#ledger,
      this.#counters,
    );
  }

  /** State of the device, as its reports name it. */
  get state(): DeviceState {
    return this.#activity.state;
  }

  /** The error in reports. */
  get error(): ReportedError | undefined {
    return this.#ledger.error;
  }

  /** Chunks of the image that the slot holds, and chunks of the image; both 0 without a download. */
  get progress(): { readonly received: number; readonly total: number } {
    const { received = 0, total = 0 } = this.#activity.download ?? {};
    return { received, total };
  }

  /** Counters since boot. */
  get stats(): ReceiverStats {
    return this.#counters.stats(this.#activity.download?.requests ?? 0);
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
        this.#emit(...this.#intake.setClock(event.utc, this.#context));
        return this.#proceed();
      case "may-reboot":
        this.#mayReboot = event.allowed;
        return this.#proceed();
      case "timer":
        return this.#onTimer(event);
      case "cancel":
        return this.#perform(this.#activity.endDownload("idle", this.#context));
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
    this.#ledger.load(event.record, event.running.sha256);
    this.#emit(...this.#intake.boot(event));
    this.#perform(this.#activity.boot(event, this.#context));
  }

  #onConnected(now: number): void {
    this.#context = { now, isConnected: true };
    this.#emit(...this.#intake.subscribe(this.#context));
    this.#publishReport();
    this.#onActivityEvent({ type: "connected" });
  }

  #onTimer(event: Extract<ReceiverEvent, { type: "timer" }>): void {
    if (event.timer === "verify") this.#emit(...this.#intake.timerFired(this.#context));
    if (event.timer === "report") {
      this.#reports.timerFired();
      if (this.#activity.download !== undefined) this.#publishReport();
    }
    if (event.timer === "install") this.#proceed();
    this.#onActivityEvent(event);
  }

  #onActivityEvent(event: ActivityEvent): void {
    if (event.type === "chunk") {
      this.#counters.chunksReceived++;
      if (this.#intake.isExamining) return this.#counters.drop("busy");
    }
    this.#perform(this.#activity.handle(event, this.#context));
    if (event.type === "flash-done" && this.state === "downloading") {
      this.#emit(...this.#reports.progress(this.#reportState(), this.#context));
    }
  }

  #onEnvelope(event: EnvelopeEvent): void {
    const { isResting, isReplaceable, download } = this.#activity;
    const isWriting = this.#flash.isProgramming || download?.isWriting === true;
    const { actions, result } = this.#intake.handle(event, { isResting, isReplaceable, isWriting }, this.#context);
    this.#emit(...actions);
    if (result !== undefined) this.#onIntakeResult(result);
  }

  #onIntakeResult(result: OfferIntakeResult): void {
    switch (result.type) {
      case "answer":
        return this.#emit(...this.#reports.answer(result.answer, this.#reportState(), this.#context));
      case "accept":
        return this.#accept(result.received, result.isKnown);
      case "resume":
        return this.#activity.resume(result.outcome);
      case "reject":
        return this.#reject(result.offer, result.error);
      case "key-set-taken":
        return this.#onKeySetTaken();
    }
  }

  #accept(received: ReceivedOffer, isKnown: boolean): void {
    const { offer, release } = received;
    this.#perform(this.#activity.endDownload("idle", this.#context));
    this.#emit(...this.#ledger.accept(received, isKnown));
    if (release === undefined) {
      this.#activity.rest("idle");
      this.#isWillStale = true;
    } else if (this.#ledger.isRunning(release.image.sha256)) this.#perform(this.#activity.confirm(this.#context));
    else this.#perform(this.#activity.startDownload(offer, release, this.#context));
  }

  #reject(offer: OfferDocument, error: OtaError): void {
    const { state } = this;
    // The retained report stays about the current offer, and how it ended.
    if (state !== "idle" && state !== "rejected") {
      const answer = { offer: offer.id, state: "rejected", error, isAuthentic: true } as const;
      return this.#emit(...this.#reports.answer(answer, this.#reportState(), this.#context));
    }
    if (this.#ledger.offer === offer.id && state === "rejected") return;
    if (!this.#reports.mayAnswer(this.#context.now, true)) return;
    this.#ledger.reject(offer.id, error);
    this.#activity.rest("rejected");
  }

  /** Ends a download that the key set before allowed, unless the image is already set to boot. */
  #onKeySetTaken(): void {
    const { download } = this.#activity;
    if (download === undefined || download.isSwitching) return;
    this.#perform(this.#activity.endDownload("rejected", this.#context));
    this.#ledger.blame("offer/wrong-epoch");
  }

  /** Sets a verified image to boot, unless something holds it back. */
  #proceed(): void {
    const { now } = this.#context;
    const conditions = { now, utc: this.#intake.utcAt(now), mayReboot: this.#mayReboot };
    this.#perform(this.#activity.handle({ type: "proceed", conditions }, this.#context));
  }

  /** Carries out what the activity wants, in order. */
  #perform(steps: readonly ActivityStep[]): void {
    for (const step of steps) {
      switch (step.type) {
        case "report":
          this.#publishReport();
          break;
        case "ready":
          this.#proceed();
          break;
        case "offer-ended":
          this.#isWillStale = true;
          this.#emit(...this.#intake.offerEnded(this.#context));
          break;
        default:
          this.#emit(step);
      }
    }
  }

  #publishReport(): void {
    this.#emit(...this.#reports.publish(this.#reportState(), this.#context));
  }

  #reportState(): ReportState {
    return {
      device: this.#device,
      state: this.state,
      offer: this.#ledger.offer,
      image: this.#ledger.image,
      error: this.#ledger.error,
      accepted: this.#ledger.record.accepted,
      keySet: this.#intake.keySet?.epoch,
      hasClock: this.#intake.hasClock,
      boot: this.#boot,
      download: this.#activity.download,
      counters: this.#counters,
    };
  }

  #emit(...actions: readonly ReceiverAction[]): void {
    this.#out.push(...actions);
  }
}
