import { OtaError } from "../errors.ts";
import { compareSequence, type OfferDocument } from "../messages/offer.ts";
import { ATTEMPTS_MAX, describeError, type ReportedError } from "../messages/reported-error.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { assertReceiverTiming, RECEIVER_TIMING, type ReceiverTiming } from "../messages/timing.ts";
import { imageIdOf, type Topics, topicsOf } from "../messages/topics.ts";
import type { Release, StateReport } from "../schemas/types.generated.ts";
import { type SignatureVerifier, verifySignature } from "../signing/signature-verifier.ts";
import { isEarlier, latestTime } from "../signing/time-floor.ts";
import type { TrustedKeys } from "../signing/trusted-keys.ts";
import { Download } from "./download.ts";
import { refuseOffer } from "./offer-check.ts";
import { OfferGate } from "./offer-gate.ts";
import { Probation } from "./probation.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import { ReceiverCounters } from "./receiver-counters.ts";
import type {
  DropReason,
  FlashOperation,
  FlashResult,
  ReceiverAction,
  ReceiverEvent,
  ReceiverStats,
  ReceiverTimer,
} from "./receiver-events.ts";
import {
  type Attempt,
  BLANK_RECORD,
  floorWith,
  type OfferOutcome,
  type Outcome,
  type ReceiverRecord,
} from "./receiver-record.ts";
import { ReceiverReports } from "./receiver-reports.ts";
import type { ReportKey } from "./report-schedule.ts";

/** Who a device is, as it was provisioned. */
export interface ReceiverOptions {
  readonly device: string;
  readonly topicRoot: string;
  readonly product: string;
  /** Chip id of ESP-IDF's image header. */
  readonly chipId: number;
  /** Take offers unverified: only for devices that were provisioned so, and only as long as there is no key set. */
  readonly allowUnsigned: boolean;
  /** The key set that the device was provisioned with. It may have come further since. */
  readonly keySet?: TrustedKeys | undefined;
  /** `verifySignature` without it, which needs Node. */
  readonly verify?: SignatureVerifier | undefined;
  /** A number from 0 (inclusive) to 1 (exclusive), to spread requests of many devices. */
  readonly random: () => number;
  readonly timing?: Partial<ReceiverTiming>;
  /** Chunks that the device has room for before it asks again; 0, the default: whatever comes. */
  readonly window?: number;
}

/** What the device is about: a discriminated union, so that what doesn't exist in a state can't be read in it. */
type Activity =
  | { readonly name: "resting"; readonly state: "idle" | "confirmed" | "rejected" | "rolled-back" | "failed" }
  | { readonly name: "download"; readonly download: Download; readonly offer: OfferDocument }
  | { readonly name: "probation"; readonly probation: Probation }
  /** The old image, making the one that failed unbootable. */
  | { readonly name: "condemn"; readonly attempt: Attempt };

/** How often a device asks the broker again for what it retains, at most, in milliseconds. */
const ASK_INTERVAL_MS = 60_000;

/** The highest epoch that a key set can have. */
const EPOCH_MAX = 2_147_483_647;

type BootedEvent = Extract<ReceiverEvent, { type: "booted" }>;

/**
 * The device's side of the delivery protocol: takes offers, fetches images, starts them on probation, confirms them or
 * goes back.
 *
 * Sans-IO: {@link Receiver.handle} turns an event into actions and owns no socket, timer or flash. Every flash action
 * is answered by one `flash-done` or `flash-failed` before the next is asked for. Nothing that arrives from outside
 * makes it throw.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #timing: ReceiverTiming;
  readonly #topics: Topics;
  readonly #reports: ReceiverReports;
  readonly #counters: ReceiverCounters = new ReceiverCounters();
  readonly #gate: OfferGate;
  #boot: BootedEvent | undefined;
  #record: ReceiverRecord = BLANK_RECORD;
  #activity: Activity = { name: "resting", state: "idle" };
  /** The offer that reports name, and the image it brings. */
  #offerId: string | undefined;
  #image: string | undefined;
  #error: ReportedError | undefined;
  /** The newest of the offers that wait for the end of a probation. */
  #held: ReceivedOffer | undefined;
  #isConnected = false;
  /** The timer is set after which the broker is asked again for what it retains. */
  #isRetryDue = false;
  /** When the broker was last asked for the offers and the key set that it retains. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #out: ReceiverAction[] = [];
  #now = 0;

  /** @throws OtaError `protocol/topic-invalid`, `signing/key-set-product` for what can't have been provisioned so. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#timing = { ...RECEIVER_TIMING, ...options.timing };
    assertReceiverTiming(this.#timing);
    this.#topics = topicsOf(options.topicRoot);
    this.#reports = new ReceiverReports(this.#topics.state(options.device), this.#timing.reportMs, {
      now: () => this.#now,
      isConnected: () => this.#isConnected,
      report: () => this.report(true),
      reportKey: () => this.#reportKey(),
      emit: (action) => this.#emit(action),
    });
    const { keySet, verify = verifySignature } = options;
    this.#gate = new OfferGate({ ...options, keySet, verify });
  }

  /** Where the device stands, as its reports say it. */
  get state(): DeviceState {
    const activity = this.#activity;
    if (activity.name === "resting") return activity.state;
    if (activity.name === "download") return activity.download.state;
    return activity.name === "probation" ? "pending-verify" : "rolled-back";
  }

  /** What is wrong, as reports say it. */
  get error(): ReportedError | undefined {
    return this.#error;
  }

  /** Chunks of the image at hand, and how many of them stand in flash; both 0 without a download. */
  get progress(): { readonly received: number; readonly total: number } {
    const { received = 0, total = 0 } = this.#activity.name === "download" ? this.#activity.download : {};
    return { received, total };
  }

  /** What was counted since boot. */
  get stats(): ReceiverStats {
    return this.#counters.stats(this.#activity.name === "download" ? this.#activity.download.requests : 0);
  }

  /**
   * The state report as it would be sent now.
   *
   * @param online - False for the connection's will.
   */
  report(online: boolean): StateReport {
    const running = this.#boot?.running;
    const download = this.#activity.name === "download" ? this.#activity.download : undefined;
    const keySet = this.#gate.keySet?.epoch;
    const { refused } = this.#counters;
    const { chunksReceived, chunksUseful, requests } = this.stats;
    return {
      protocol: 1,
      device: this.#options.device,
      state: this.state,
      ...(this.#offerId === undefined ? {} : { offer: this.#offerId }),
      ...(this.#image === undefined ? {} : { image: imageIdOf(this.#image) }),
      version: running?.version ?? "",
      slot: running?.slot ?? "",
      running_sha256: running?.sha256 ?? "0".repeat(64),
      ...this.progress,
      accepted: [this.#record.accepted[0], this.#record.accepted[1]],
      ...(keySet === undefined ? {} : { key_set: keySet }),
      ...(refused === undefined ? {} : { refused }),
      rollback: this.#boot?.rollback ?? false,
      clock: false,
      online,
      boot_count: this.#boot?.bootCount ?? 0,
      ...(download?.stalled ? { stalled: true } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      stats: { chunks_received: chunksReceived, chunks_useful: chunksUseful, requests },
    };
  }

  /**
   * Takes one event and says what to do. The first event is `booted`; before it everything is ignored.
   *
   * @returns Actions in the order in which they must be carried out.
   */
  handle(event: ReceiverEvent): ReceiverAction[] {
    this.#now = event.now;
    this.#out = [];
    if (event.type === "booted") this.#onBooted(event);
    else if (this.#boot !== undefined) this.#dispatch(event);
    this.#reports.changed();
    return withoutRejoins(this.#out);
  }

  #dispatch(event: Exclude<ReceiverEvent, BootedEvent>): void {
    switch (event.type) {
      case "connected":
        return this.#onConnected();
      case "disconnected":
        this.#isConnected = false;
        return;
      case "offer":
        return this.#onOffer(event.payload, event.retained);
      case "key-set":
        return this.#onKeySet(event.payload, event.retained);
      case "hashes":
        if (this.#activity.name !== "download") return this.#drop("not-downloading");
        return this.#activity.download.onHashes(event.image, event.payload);
      case "chunk":
        return this.#onChunk(event.payload);
      case "timer":
        return this.#onTimer(event.timer);
      case "flash-done":
        return this.#onFlashDone(event.result);
      case "flash-failed":
        return this.#onFlashFailed(event.operation, event.espErr);
      case "self-test":
        if (this.#activity.name === "probation") this.#activity.probation.selfTest(event.passed);
        return;
      case "cancel":
        if (this.#activity.name === "download") this.#endDownload("idle");
        return;
    }
  }

  /** → probation | condemn | resting. Flash and the attempt record together say how the last offer went. */
  #onBooted(event: BootedEvent): void {
    this.#boot = event;
    this.#record = event.record ?? BLANK_RECORD;
    if (this.#gate.resume(event.keySet)) this.#storeKeySet();
    const { attempt, outcome } = this.#record;
    if (attempt === undefined) {
      if (event.running.pendingVerify) return this.#startProbation(undefined);
      if (outcome !== undefined) this.#resume(outcome);
      return;
    }
    this.#offerId = attempt.offer;
    this.#image = attempt.image;
    if (attempt.image === event.running.sha256) return this.#onAttemptRuns(attempt, event);
    // On probation, and not what was accepted: it must not stay, and the slot to download to holds the one to go back to.
    if (event.running.pendingVerify) return this.#probationOf(attempt).rollBack("delivery/image-mismatch");
    if (attempt.attempts >= ATTEMPTS_MAX || attempt.error !== undefined) {
      // Destroyed before anything touches its otadata entry: a torn record could make it selectable again.
      this.#activity = { name: "condemn", attempt };
      this.#error = describeError(attempt.error ?? "delivery/self-test-failed");
      this.#emit({ type: "erase-sector", offset: 0 });
    }
    // Otherwise power went, before the switch or during the probation: the standing offer is taken up where it was left.
  }

  /** → resting, at the end that an offer had come to. */
  #resume(outcome: OfferOutcome): void {
    this.#offerId = outcome.offer;
    this.#image = outcome.image;
    this.#error = outcome.error === undefined ? undefined : describeError(outcome.error);
    if (outcome.outcome !== "confirmed") this.#rest(outcome.outcome);
    else if (this.#isRunning(outcome.image)) this.#rest("confirmed");
  }

  #isRunning(image: string): boolean {
    return this.#boot?.running.sha256 === image;
  }

  #onAttemptRuns(attempt: Attempt, { running }: BootedEvent): void {
    if (running.pendingVerify) return this.#startProbation(attempt);
    if (attempt.proven === true) return this.#finish("confirmed", attempt);
    // The otadata entry lost its protection in a power cut, or the bootloader has none: the probation is ours alone.
    if (attempt.attempts >= ATTEMPTS_MAX) return this.#probationOf(attempt).rollBack("delivery/attempts-exhausted");
    const again: Attempt = { ...attempt, attempts: attempt.attempts + 1 };
    this.#store({ ...this.#record, attempt: again });
    this.#startProbation(again);
  }

  #startProbation(attempt: Attempt | undefined): void {
    this.#probationOf(attempt).begin(this.#now + (attempt?.probationMs ?? this.#timing.probationMs));
  }

  /** → probation. */
  #probationOf(attempt: Attempt | undefined): Probation {
    const probation = new Probation(attempt, {
      isConnected: () => this.#isConnected,
      emit: (action) => this.#emit(action),
      store: (changed) => this.#store({ ...this.#record, attempt: changed }),
      givenUp: (code) => {
        this.#error = describeError(code);
        this.#reports.publish();
      },
      confirmed: () => this.#finish("confirmed", attempt),
      stuck: () => {
        this.#error = describeError("delivery/no-rollback");
        this.#finish("failed", attempt);
      },
    });
    this.#activity = { name: "probation", probation };
    return probation;
  }

  #onConnected(): void {
    this.#isConnected = true;
    this.#subscribeToOffers();
    this.#reports.publish();
    if (this.#activity.name === "download") this.#activity.download.join(this.#now);
    if (this.#activity.name === "probation") this.#activity.probation.connected();
  }

  /** Anew at each call: the broker then repeats what it retains. The key set comes first, as offers count under it. */
  #subscribeToOffers(): void {
    if (!this.#isConnected) return;
    this.#askedAt = this.#now;
    const next = this.#nextKeySetTopic();
    if (next !== undefined) this.#emit({ type: "subscribe", topic: next });
    this.#emit({ type: "subscribe", topic: this.#topics.offer });
    this.#emit({ type: "subscribe", topic: this.#topics.deviceOffer(this.#options.device) });
  }

  /** Where the one key set that could be taken is published. */
  #nextKeySetTopic(): string | undefined {
    const epoch = this.#gate.keySet?.epoch;
    return epoch === undefined || epoch === EPOCH_MAX ? undefined : this.#topics.keys(epoch + 1);
  }

  /** A device decides alone whether an offer is for it, authentic, newer than what it knows, and possible. */
  #onOffer(message: Uint8Array, isRetained: boolean): void {
    if (message.length === 0) return; // cleared from the broker: nothing new
    const admission = this.#gate.admit(message, isRetained, this.#record, this.#now);
    switch (admission.kind) {
      case "admitted":
        return this.#takeUp(admission.received, admission.known);
      case "dropped":
        return this.#drop(admission.reason);
      case "postponed":
        return this.#postpone();
      case "early":
        this.#counters.refuse("early", admission.error.code);
        return this.#reports.answer(admission.offer.id, "waiting", admission.error, false);
      case "refused":
        this.#counters.refuse(admission.reason, admission.error.code);
        return this.#reports.answer(admission.offer.id, "rejected", admission.error, admission.isAuthentic);
    }
  }

  /** One step of trust. What the set before had allowed and is not in flash yet, is over. */
  #onKeySet(message: Uint8Array, isRetained: boolean): void {
    if (message.length === 0) return;
    const former = this.#nextKeySetTopic();
    const verdict = this.#gate.takeKeySet(message, isRetained, this.#now);
    if (verdict === undefined) return this.#drop("not-for-us");
    if (verdict.kind === "postponed") return this.#postpone();
    if (verdict.kind === "refused") return this.#counters.refuse("untrusted", verdict.error.code);
    this.#storeKeySet();
    if (this.#isConnected && former !== undefined) this.#emit({ type: "unsubscribe", topic: former });
    this.#subscribeToOffers();
    const activity = this.#activity;
    if (activity.name !== "download" || activity.download.state === "ready-to-reboot") return;
    this.#endDownload("rejected");
    this.#error = describeError("offer/wrong-epoch");
  }

  /**
   * Drops a message that can't be verified now, and asks the broker later for what it retains: live messages can't use up
   * the budget for that. The time that was set first stands, so no flood puts it off.
   */
  #postpone(): void {
    this.#drop("too-many");
    if (!this.#isRetryDue) this.#askWhenReady();
  }

  /** Asks at most once a minute, and only when all that may come as an answer can be verified. */
  #askWhenReady(): void {
    const at = Math.max(this.#askedAt + ASK_INTERVAL_MS, this.#gate.retainedReadyAt(this.#now));
    this.#isRetryDue = true;
    this.#emit({ type: "set-timer", timer: "verify", at: Math.max(at, this.#now) });
  }

  #onVerifyTimer(): void {
    this.#isRetryDue = false;
    if (this.#gate.retainedReadyAt(this.#now) > this.#now) this.#askWhenReady();
    else this.#subscribeToOffers();
  }

  #takeUp(received: ReceivedOffer, known: boolean): void {
    const { offer, release, payloadSha256 } = received;
    const activity = this.#activity;
    if (known && this.#stands(offer)) return;
    const switches = activity.name === "download" && activity.download.state === "ready-to-reboot";
    if (activity.name === "probation" || activity.name === "condemn" || switches) return this.#hold(received);
    const refusal = release === undefined ? undefined : this.#refusalOf(offer, release);
    if (refusal !== undefined) return this.#reject(offer, refusal);
    if (activity.name === "download") this.#endDownload("idle");
    if (!known) this.#accept(offer, payloadSha256);
    this.#offerId = offer.id;
    this.#image = release?.image.sha256;
    this.#error = release === undefined ? describeError("offer/withdrawn") : undefined;
    if (release === undefined) return this.#rest("idle");
    if (this.#isRunning(release.image.sha256)) return this.#finish("confirmed", undefined);
    this.#startDownload(offer, release);
  }

  /**
   * Whether the accepted offer, delivered again, finds things as they must be: what is under way goes on, what ended stays
   * ended. Nothing is written to tell so, whatever was offered in between.
   */
  #stands(offer: OfferDocument): boolean {
    const { outcome } = this.#record;
    const activity = this.#activity;
    if (activity.name !== "resting") return this.#offerId === offer.id;
    if (outcome?.offer !== offer.id) return false;
    if (outcome.outcome === "confirmed" && !this.#isRunning(outcome.image)) return false;
    this.#resume(outcome);
    return true;
  }

  /** Told to wait; of those that do, the newest is taken up. */
  #hold(received: ReceivedOffer): void {
    const { offer } = received;
    const held = this.#held?.offer;
    if (held === undefined || compareSequence([offer.epoch, offer.sequence], [held.epoch, held.sequence]) > 0) {
      this.#held = received;
    }
    this.#reports.answer(offer.id, "waiting", undefined, true);
  }

  /** Why an offer can't be taken, as far as can be known before the first erase. */
  #refusalOf(offer: OfferDocument, release: Release): OtaError | undefined {
    const { product, chipId } = this.#options;
    const timeFloor = this.#timeFloor(offer.epoch);
    return refuseOffer(offer, release, { ...(this.#boot as BootedEvent), product, chipId, timeFloor });
  }

  #startDownload(offer: OfferDocument, release: Release): void {
    const boot = this.#boot as BootedEvent;
    const { device, random, window = 0 } = this.#options;
    const download = new Download(offer, release, {
      device,
      random,
      window,
      topics: this.#topics,
      timing: this.#timing,
      projectName: boot.running.projectName,
      trustsFlash: boot.cleanReset,
      condemned: boot.target?.condemned ?? false,
      isConnected: () => this.#isConnected,
      emit: (action) => this.#emit(action),
      drop: (reason) => this.#drop(reason),
      ready: () => this.#switch(offer, release),
      fail: (error) => this.#failDownload(error),
    });
    this.#activity = { name: "download", download, offer };
    download.join(this.#now);
  }

  /** The image is whole: written down before it is set to boot, so that no power cut can start it a third time. */
  #switch(offer: OfferDocument, release: Release): void {
    const { attempt } = this.#record;
    const attempts = (attempt?.offer === offer.id ? attempt.attempts : 0) + 1;
    const probationMs = offer.probation_ms ?? this.#timing.probationMs;
    const next: Attempt = { offer: offer.id, image: release.image.sha256, attempts, probationMs };
    this.#store({ ...this.#record, attempt: next });
    this.#emit({ type: "set-boot-partition" });
  }

  #failDownload(error: OtaError): void {
    const offer = this.#offerId ?? "";
    const outcome = { offer, image: this.#image ?? "", outcome: "failed", error: error.code } as const;
    this.#store({ ...withoutAttempt(this.#record), outcome });
    this.#error = { code: error.code, message: error.message };
    this.#endDownload("failed");
  }

  #accept(offer: OfferDocument, payloadSha256: string): void {
    const accepted = [offer.epoch, offer.sequence] as const;
    this.#store({ accepted, payloadSha256, floor: floorWith(this.#record, offer) });
  }

  /**
   * A time that is past for certain. Of offers only those of the epoch count, as a time that ran away is to end with its
   * epoch, like a counter.
   */
  #timeFloor(epoch: number): string | undefined {
    const { floor } = this.#record;
    const { builtAt } = (this.#boot as BootedEvent).running;
    return latestTime([builtAt, this.#gate.keySet?.issued_at, floor?.epoch === epoch ? floor.time : undefined]);
  }

  /** An offer that can't be taken tells the time all the same, if somebody signed it. */
  #raiseFloor(offer: OfferDocument): void {
    const { epoch, issued_at: issuedAt } = offer;
    const floor = this.#timeFloor(epoch);
    if (this.#gate.keySet === undefined || (floor !== undefined && !isEarlier(floor, issuedAt))) return;
    this.#store({ ...this.#record, floor: floorWith(this.#record, offer) });
  }

  #reject(offer: OfferDocument, error: OtaError): void {
    this.#raiseFloor(offer);
    const activity = this.#activity;
    const hasNoOffer = activity.name === "resting" && (activity.state === "idle" || activity.state === "rejected");
    // The retained report stays about the offer at hand, and how it ended.
    if (!hasNoOffer) return this.#reports.answer(offer.id, "rejected", error, true);
    if (this.#offerId === offer.id && activity.state === "rejected") return;
    if (!this.#reports.mayAnswer(true)) return;
    this.#offerId = offer.id;
    this.#image = undefined;
    this.#error = { code: error.code, message: error.message };
    this.#rest("rejected");
  }

  #onChunk(payload: Uint8Array): void {
    this.#counters.chunksReceived++;
    if (this.#activity.name !== "download") return this.#drop("not-downloading");
    this.#activity.download.onChunk(payload);
  }

  #onTimer(timer: ReceiverTimer): void {
    if (timer === "verify") this.#onVerifyTimer();
    if (timer === "report") {
      this.#reports.timerFired();
      if (this.#activity.name === "download") this.#reports.publish();
    }
    if (timer === "request" && this.#activity.name === "download") this.#activity.download.onRequestTimer(this.#now);
    if (timer === "probation" && this.#activity.name === "probation") this.#activity.probation.selfTest(false);
  }

  #onFlashDone(result: FlashResult): void {
    const activity = this.#activity;
    if (activity.name === "condemn") return this.#finish("rolled-back", activity.attempt);
    if (activity.name === "probation") return activity.probation.onFlashDone(result.operation);
    if (activity.name !== "download") return;
    if (result.operation === "set-boot-partition") {
      this.#reports.publish();
      return this.#emit({ type: "reboot" });
    }
    const before = activity.download.received;
    activity.download.onFlashDone(result, this.#now);
    if (result.operation === "program" && activity.download.received > before) this.#counters.chunksUseful++;
    if (this.state === "downloading") this.#reports.progress();
  }

  #onFlashFailed(operation: FlashOperation, espErr: number): void {
    const activity = this.#activity;
    if (activity.name === "condemn") return this.#finish("rolled-back", activity.attempt);
    if (activity.name === "probation") return activity.probation.onFlashFailed(operation);
    if (activity.name !== "download") return;
    if (operation === "set-boot-partition") {
      const message = `the image can't be set to boot (esp_err 0x${espErr.toString(16)})`;
      return this.#failDownload(new OtaError("delivery/image-rejected", message, { espErr }));
    }
    activity.download.onFlashFailed(operation, espErr, this.#now);
  }

  /** → resting. The offer has come to its end on this device. */
  #finish(outcome: Outcome, attempt: Attempt | undefined): void {
    const offer = attempt?.offer ?? this.#offerId;
    const image = attempt?.image ?? this.#image;
    const error = this.#error?.code;
    if (offer !== undefined && image !== undefined) {
      const ended = { offer, image, outcome, ...(error === undefined ? {} : { error }) };
      this.#store({ ...withoutAttempt(this.#record), outcome: ended });
    }
    this.#emit({ type: "clear-timer", timer: "probation" });
    this.#rest(outcome);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) {
      this.#reports.changed();
      this.#onOffer(held.message, true);
    }
  }

  #endDownload(state: "idle" | "rejected" | "failed"): void {
    if (this.#activity.name !== "download") return;
    this.#counters.requests += this.#activity.download.requests;
    this.#activity.download.leave();
    this.#rest(state);
  }

  #rest(state: Extract<Activity, { name: "resting" }>["state"]): void {
    this.#activity = { name: "resting", state };
  }

  #storeKeySet(): void {
    const { keySet } = this.#gate;
    if (keySet !== undefined) this.#emit({ type: "store-key-set", keySet });
  }

  #store(record: ReceiverRecord): void {
    this.#record = record;
    this.#emit({ type: "store", record });
  }

  #reportKey(): ReportKey {
    const { accepted } = this.#record;
    const keySet = this.#gate.keySet?.epoch;
    return { state: this.state, offer: this.#offerId, errorCode: this.#error?.code, accepted, keySet };
  }

  #drop(reason: DropReason): void {
    this.#counters.drop(reason);
  }

  #emit(action: ReceiverAction): void {
    this.#out.push(action);
  }
}

/**
 * Leaves out each `unsubscribe` of a topic that is subscribed to later in the list. Brokers that handle both packets at once
 * can end without the subscription; to subscribe once more is enough to have retained messages repeated.
 */
function withoutRejoins(actions: readonly ReceiverAction[]): ReceiverAction[] {
  return actions.filter(
    (action, index) =>
      action.type !== "unsubscribe" ||
      !actions.slice(index).some((later) => later.type === "subscribe" && later.topic === action.topic),
  );
}

function withoutAttempt({ attempt: _, ...record }: ReceiverRecord): ReceiverRecord {
  return record;
}
