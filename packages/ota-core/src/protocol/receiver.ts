import { OtaError, type OtaErrorCode } from "../errors.ts";
import type { Release, StateReport } from "../schemas/types.generated.ts";
import { type SignatureVerifier, verifySignature } from "../signing/signature-verifier.ts";
import { isEarlier, latestTime } from "../signing/time-floor.ts";
import type { TrustedKeys } from "../signing/trusted-keys.ts";
import { Download } from "./download.ts";
import type { OfferDocument } from "./offer.ts";
import { refuseOffer } from "./offer-check.ts";
import { OfferGate } from "./offer-gate.ts";
import { PerMinute } from "./per-minute.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import type {
  DeviceState,
  DropReason,
  FlashOperation,
  FlashResult,
  ReceiverAction,
  ReceiverEvent,
  ReceiverStats,
  ReceiverTimer,
} from "./receiver-events.ts";
import { type Attempt, BLANK_RECORD, type Outcome, type ReceiverRecord } from "./receiver-record.ts";
import { type ReportKey, ReportSchedule } from "./report-schedule.ts";
import { ATTEMPTS_MAX, describeError, type ReportedError } from "./reported-error.ts";
import { buildStateReport } from "./state-report.ts";
import { assertReceiverTiming, RECEIVER_TIMING, type ReceiverTiming } from "./timing.ts";
import { imageIdOf, type Topics, topicsOf } from "./topics.ts";

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
  /** An image on probation: it stays when it reached the broker and its own check passed, in time. */
  | { readonly name: "probation"; readonly attempt: Attempt | undefined; readonly passed: boolean }
  /** The old image, making the one that failed unbootable. */
  | { readonly name: "condemn"; readonly attempt: Attempt };

/** Answers to senders within a minute: whoever can publish offers can't make a device publish without bound. */
const ANSWERS_PER_MINUTE = 8;

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
  readonly #reports: ReportSchedule;
  readonly #gate: OfferGate;
  readonly #answers: PerMinute = new PerMinute(ANSWERS_PER_MINUTE);
  #boot: BootedEvent | undefined;
  #record: ReceiverRecord = BLANK_RECORD;
  #activity: Activity = { name: "resting", state: "idle" };
  /** The offer that reports name, and the image it brings. */
  #offerId: string | undefined;
  #image: string | undefined;
  #error: ReportedError | undefined;
  /** What was refused since boot: how many, and the code of the last. */
  #refused: StateReport["refused"];
  /** A newer offer that waits for the end of a probation. */
  #held: Uint8Array | undefined;
  #isConnected = false;
  #out: ReceiverAction[] = [];
  #now = 0;
  #chunksReceived = 0;
  #chunksUseful = 0;
  #requests = 0;
  readonly #dropped: Partial<Record<DropReason, number>> = {};

  /** @throws OtaError `protocol/topic-invalid`, `signing/key-set-product` for what can't have been provisioned so. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#timing = { ...RECEIVER_TIMING, ...options.timing };
    assertReceiverTiming(this.#timing);
    this.#topics = topicsOf(options.topicRoot);
    this.#reports = new ReportSchedule(this.#timing.reportMs);
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
    return {
      chunksReceived: this.#chunksReceived,
      chunksUseful: this.#chunksUseful,
      requests: this.#requests + this.#currentRequests(),
      dropped: { ...this.#dropped },
    };
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
      ...(this.#refused === undefined ? {} : { refused: this.#refused }),
      rollback: this.#boot?.rollback ?? false,
      clock: false,
      online,
      boot_count: this.#boot?.bootCount ?? 0,
      ...(download?.stalled ? { stalled: true } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      stats: {
        chunks_received: this.#chunksReceived,
        chunks_useful: this.#chunksUseful,
        requests: this.stats.requests,
      },
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
    this.#reportChange();
    return this.#out;
  }

  #dispatch(event: Exclude<ReceiverEvent, BootedEvent>): void {
    switch (event.type) {
      case "connected":
        return this.#onConnected();
      case "disconnected":
        this.#isConnected = false;
        return;
      case "offer":
        return this.#onOffer(event.payload);
      case "key-set":
        return this.#onKeySet(event.payload);
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
        return this.#onSelfTest(event.passed);
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
      if (outcome === undefined) return;
      this.#offerId = outcome.offer;
      this.#image = outcome.image;
      if (outcome.error !== undefined) this.#error = describeError(outcome.error);
      // An image that was confirmed and doesn't run any more was replaced, by cable or by the bootloader's fall-back.
      if (outcome.outcome !== "confirmed") this.#rest(outcome.outcome);
      else if (outcome.image === event.running.sha256) this.#rest("confirmed");
      return;
    }
    this.#offerId = attempt.offer;
    this.#image = attempt.image;
    if (attempt.image === event.running.sha256) return this.#onAttemptRuns(attempt, event);
    // On probation, and not what was accepted: it must not stay, and the slot to download to holds the one to go back to.
    if (event.running.pendingVerify) return this.#rollBack(attempt, "delivery/image-mismatch");
    if (attempt.attempts >= ATTEMPTS_MAX || attempt.error !== undefined) {
      // Destroyed before anything touches its otadata entry: a torn record could make it selectable again.
      this.#activity = { name: "condemn", attempt };
      this.#error = describeError(attempt.error ?? "delivery/self-test-failed");
      this.#emit({ type: "erase-sector", offset: 0 });
    }
    // Otherwise power went, before the switch or during the probation: the standing offer is taken up where it was left.
  }

  #onAttemptRuns(attempt: Attempt, { running }: BootedEvent): void {
    if (running.pendingVerify) return this.#startProbation(attempt);
    if (attempt.proven === true) return this.#finish("confirmed", attempt);
    // The otadata entry lost its protection in a power cut, or the bootloader has none: the probation is ours alone.
    if (attempt.attempts >= ATTEMPTS_MAX) return this.#rollBack(attempt, "delivery/attempts-exhausted");
    const again: Attempt = { ...attempt, attempts: attempt.attempts + 1 };
    this.#store({ ...this.#record, attempt: again });
    this.#startProbation(again);
  }

  #startProbation(attempt: Attempt | undefined): void {
    this.#activity = { name: "probation", attempt, passed: false };
    const probationMs = attempt?.probationMs ?? this.#timing.probationMs;
    this.#emit({ type: "set-timer", timer: "probation", at: this.#now + probationMs });
  }

  #onConnected(): void {
    this.#isConnected = true;
    this.#subscribeToOffers();
    this.#publishReport();
    if (this.#activity.name === "download") this.#activity.download.join(this.#now);
    if (this.#activity.name === "probation" && this.#activity.passed) this.#confirm(this.#activity.attempt);
  }

  /** Anew at each call: the broker then repeats what it retains. The key set comes first, as offers count under it. */
  #subscribeToOffers(): void {
    if (!this.#isConnected) return;
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
  #onOffer(message: Uint8Array): void {
    if (message.length === 0) return; // cleared from the broker: nothing new
    const admission = this.#gate.admit(message, this.#record, this.#now);
    switch (admission.kind) {
      case "admitted":
        return this.#takeUp(admission.received, admission.known);
      case "dropped":
        return this.#drop(admission.reason);
      case "postponed":
        return this.#postpone(admission.until);
      case "refused":
        this.#refuse(admission.reason, admission.error);
        return this.#answer(admission.offer, "rejected", admission.error);
    }
  }

  /** One step of trust. What the set before had allowed and is not in flash yet, is over. */
  #onKeySet(message: Uint8Array): void {
    if (message.length === 0) return;
    const former = this.#nextKeySetTopic();
    const verdict = this.#gate.takeKeySet(message, this.#now);
    if (verdict === undefined) return this.#drop("not-for-us");
    if (verdict.kind === "postponed") return this.#postpone(verdict.until);
    if (verdict.kind === "refused") return this.#refuse("untrusted", verdict.error);
    this.#storeKeySet();
    if (this.#isConnected && former !== undefined) this.#emit({ type: "unsubscribe", topic: former });
    this.#subscribeToOffers();
    const activity = this.#activity;
    if (activity.name !== "download" || activity.download.state === "ready-to-reboot") return;
    this.#endDownload("rejected");
    this.#error = describeError("offer/wrong-epoch");
  }

  /** It comes again when the broker is asked for what it retains. */
  #postpone(until: number): void {
    this.#drop("too-many");
    this.#emit({ type: "set-timer", timer: "verify", at: until });
  }

  /** Counted, and told with the next report; by itself it is worth none. */
  #refuse(reason: DropReason, { code }: OtaError): void {
    this.#drop(reason);
    this.#refused = { count: (this.#refused?.count ?? 0) + 1, code };
  }

  #takeUp({ offer, release, payloadSha256, message }: ReceivedOffer, known: boolean): void {
    const activity = this.#activity;
    if (known && this.#offerId === offer.id && !(activity.name === "resting" && activity.state === "idle")) {
      // The standing offer, delivered again. What ended stays ended; a rejection is worth another look after a reboot.
      if (activity.name !== "resting" || activity.state !== "rejected") return;
    }
    const switches = activity.name === "download" && activity.download.state === "ready-to-reboot";
    if (activity.name === "probation" || activity.name === "condemn" || switches) {
      this.#held = message;
      return this.#answer(offer, "waiting", undefined);
    }
    if (release === undefined) return this.#withdraw(offer, payloadSha256);
    const boot = this.#boot as BootedEvent;
    const { product, chipId } = this.#options;
    const timeFloor = this.#timeFloor(offer.epoch);
    const refusal = refuseOffer(offer, release, { ...boot, product, chipId, timeFloor });
    if (refusal !== undefined) {
      this.#raiseFloor(offer);
      return this.#reject(offer, refusal);
    }
    if (activity.name === "download") this.#endDownload("idle");
    this.#accept(offer, payloadSha256, known ? this.#record.attempt : undefined);
    this.#offerId = offer.id;
    this.#image = release.image.sha256;
    this.#error = undefined;
    if (release.image.sha256 === boot.running.sha256) return this.#finish("confirmed", undefined);
    this.#startDownload(offer, release);
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

  #withdraw(offer: OfferDocument, hash: string): void {
    if (this.#activity.name === "download") this.#endDownload("idle");
    this.#accept(offer, hash, undefined);
    this.#offerId = offer.id;
    this.#image = undefined;
    this.#error = describeError("offer/withdrawn");
    this.#rest("idle");
  }

  #accept(offer: OfferDocument, payloadSha256: string, attempt: Attempt | undefined): void {
    const accepted = [offer.epoch, offer.sequence] as const;
    const floor = this.#floorWith(offer);
    this.#store({ accepted, payloadSha256, floor, ...(attempt === undefined ? {} : { attempt }) });
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

  #floorWith({ epoch, issued_at: issuedAt }: OfferDocument): NonNullable<ReceiverRecord["floor"]> {
    const { floor } = this.#record;
    return floor?.epoch === epoch && isEarlier(issuedAt, floor.time) ? floor : { epoch, time: issuedAt };
  }

  /** An offer that can't be taken tells the time all the same, if somebody signed it. */
  #raiseFloor(offer: OfferDocument): void {
    const { epoch, issued_at: issuedAt } = offer;
    const floor = this.#timeFloor(epoch);
    if (this.#gate.keySet === undefined || (floor !== undefined && !isEarlier(floor, issuedAt))) return;
    this.#store({ ...this.#record, floor: this.#floorWith(offer) });
  }

  #reject(offer: OfferDocument, error: OtaError): void {
    if (this.#activity.name !== "resting") return this.#answer(offer, "rejected", error);
    this.#offerId = offer.id;
    this.#image = undefined;
    this.#error = { code: error.code, message: error.message };
    this.#rest("rejected");
  }

  /** Tells the sender of an offer where it stands, without a change to what this device is about. Not retained. */
  #answer(offer: OfferDocument, state: "waiting" | "rejected", error: OtaError | undefined): void {
    if (!this.#isConnected || this.#answers.availableAt(1, this.#now) > this.#now) return;
    this.#answers.spend(this.#now);
    const { error: _, image: __, ...report } = this.report(true);
    const answer: StateReport = { ...report, state, offer: offer.id };
    if (error !== undefined) answer.error = { code: error.code, message: error.message };
    const topic = this.#topics.state(this.#options.device);
    this.#emit({ type: "publish", topic, payload: buildStateReport(answer), qos: 1, retain: false });
  }

  #onChunk(payload: Uint8Array): void {
    this.#chunksReceived++;
    if (this.#activity.name !== "download") return this.#drop("not-downloading");
    this.#activity.download.onChunk(payload);
  }

  #onTimer(timer: ReceiverTimer): void {
    if (timer === "verify") this.#subscribeToOffers();
    if (timer === "report") {
      this.#reports.timerFired();
      if (this.#activity.name === "download") this.#publishReport();
    }
    if (timer === "request" && this.#activity.name === "download") this.#activity.download.onRequestTimer(this.#now);
    if (timer === "probation" && this.#activity.name === "probation") {
      this.#rollBack(this.#activity.attempt, "delivery/self-test-failed");
    }
  }

  #onFlashDone(result: FlashResult): void {
    const activity = this.#activity;
    if (activity.name === "condemn") return this.#finish("rolled-back", activity.attempt);
    if (activity.name === "probation" && result.operation === "mark-valid") {
      return this.#finish("confirmed", activity.attempt);
    }
    if (activity.name !== "download") return;
    if (result.operation === "set-boot-partition") {
      this.#publishReport();
      return this.#emit({ type: "reboot" });
    }
    const before = activity.download.received;
    activity.download.onFlashDone(result, this.#now);
    if (result.operation === "program" && activity.download.received > before) this.#chunksUseful++;
    this.#reportProgress();
  }

  #onFlashFailed(operation: FlashOperation, espErr: number): void {
    const activity = this.#activity;
    if (activity.name === "condemn") return this.#finish("rolled-back", activity.attempt);
    if (activity.name === "probation" && operation === "mark-valid") {
      return this.#rollBack(activity.attempt, "delivery/image-rejected");
    }
    if (activity.name === "probation" && operation === "roll-back") {
      this.#error = describeError("delivery/no-rollback");
      return this.#finish("failed", activity.attempt);
    }
    if (activity.name !== "download") return;
    if (operation === "set-boot-partition") {
      const message = `the image can't be set to boot (esp_err 0x${espErr.toString(16)})`;
      return this.#failDownload(new OtaError("delivery/image-rejected", message, { espErr }));
    }
    activity.download.onFlashFailed(operation, espErr, this.#now);
  }

  #onSelfTest(passed: boolean): void {
    const activity = this.#activity;
    if (activity.name !== "probation") return;
    if (!passed) return this.#rollBack(activity.attempt, "delivery/self-test-failed");
    this.#activity = { ...activity, passed: true };
    // To have reached the broker is part of the proof: an image that can't be reached can't be updated.
    if (this.#isConnected) this.#confirm(activity.attempt);
  }

  #confirm(attempt: Attempt | undefined): void {
    if (attempt !== undefined) this.#store({ ...this.#record, attempt: { ...attempt, proven: true } });
    this.#emit({ type: "mark-valid" });
  }

  /** probation → (the old image, after a reset). */
  #rollBack(attempt: Attempt | undefined, code: OtaErrorCode): void {
    this.#activity = { name: "probation", attempt, passed: false };
    if (attempt !== undefined) this.#store({ ...this.#record, attempt: { ...attempt, error: code } });
    this.#error = describeError(code);
    this.#publishReport();
    this.#emit({ type: "clear-timer", timer: "probation" });
    this.#emit({ type: "roll-back" });
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
      this.#reportChange();
      this.#onOffer(held);
    }
  }

  #endDownload(state: "idle" | "rejected" | "failed"): void {
    if (this.#activity.name !== "download") return;
    this.#requests += this.#activity.download.requests;
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

  /** Says so when what a report would say is no longer what the last one said, progress apart. */
  #reportChange(): void {
    if (this.#isConnected && this.#reports.isNews(this.#reportKey())) this.#publishReport();
  }

  #reportKey(): ReportKey {
    const { accepted } = this.#record;
    const keySet = this.#gate.keySet?.epoch;
    return { state: this.state, offer: this.#offerId, errorCode: this.#error?.code, accepted, keySet };
  }

  /** Progress goes out at most once per `reportMs`. */
  #reportProgress(): void {
    if (!this.#isConnected || this.state !== "downloading") return;
    const at = this.#reports.progressAt(this.#now);
    if (at === this.#now) this.#publishReport();
    else if (at !== undefined) this.#emit({ type: "set-timer", timer: "report", at });
  }

  #publishReport(): void {
    if (!this.#isConnected) return;
    const topic = this.#topics.state(this.#options.device);
    this.#emit({ type: "publish", topic, payload: buildStateReport(this.report(true)), qos: 1, retain: true });
    this.#reports.sent(this.#reportKey(), this.#now);
  }

  #currentRequests(): number {
    return this.#activity.name === "download" ? this.#activity.download.requests : 0;
  }

  #drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  #emit(action: ReceiverAction): void {
    this.#out.push(action);
  }
}

function withoutAttempt({ attempt: _, ...record }: ReceiverRecord): ReceiverRecord {
  return record;
}
