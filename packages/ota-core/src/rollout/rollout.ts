import { type RolloutDevice, RolloutDevices } from "./rollout-devices.ts";
import type { RolloutAction, RolloutEvent, RolloutOutcome } from "./rollout-events.ts";
import { assertRolloutPlan, type RolloutPlan } from "./rollout-plan.ts";
import type { RolloutOffer, RolloutRecord, RolloutRequest, RolloutStop, RolloutSubject } from "./rollout-record.ts";

/** Time for which no device was heard for the first time before a stage may settle, in milliseconds. */
const SETTLE_MS = 2_000;

/** Time between two looks at the devices of a stage, in milliseconds. */
const LOOK_MS = 1_000;

/**
 * Where a rollout stands.
 *
 *     idle ─▶ making ─▶ publishing ─▶ serving ─settled─▶ holding ─▶ making (next stage)
 *                                        └──too many failures──▶ withdrawing ─▶ done
 */
type Phase = "idle" | "making" | "publishing" | "serving" | "holding" | "withdrawing" | "done";

/** Values of the events' clocks. */
interface Moment {
  readonly now: number;
  readonly at: number;
}

/**
 * Offers a release to a growing share of a fleet. Stops if too many devices fail. It does no I/O: events come in,
 * actions go out, time comes with the event.
 *
 * Its state follows from its records: a rollout that is made from the records of another one goes on where that one was.
 */
export class Rollout {
  readonly #subject: RolloutSubject;
  readonly #plan: RolloutPlan;
  readonly #devices: RolloutDevices;
  /** Numbers of the rollout's offers, by id. */
  readonly #offers = new Map<string, RolloutOffer["counter"]>();
  #actions: RolloutAction[] = [];
  #phase: Phase = "idle";
  #isNew = true;
  /** Index of the current stage; -1 before the first. */
  #stage = -1;
  #offer: RolloutOffer | undefined;
  #offeredAt = 0;
  /** UTC time at which the current stage settled. */
  #settledAt: number | undefined;
  #paused = false;
  #continued = false;
  #stopping: RolloutStop | undefined;
  #stopped: RolloutOutcome["reason"] | undefined;
  #holdUntil = 0;

  /**
   * @param records - What the journal holds of this rollout, in order; empty for a new one.
   * @throws {@link OtaError} `arguments/invalid` if the plan is not valid.
   */
  constructor(subject: RolloutSubject, plan: RolloutPlan, records: readonly RolloutRecord[] = []) {
    assertRolloutPlan(plan);
    this.#subject = subject;
    this.#plan = plan;
    this.#devices = new RolloutDevices(plan, subject.image);
    for (const record of records) this.#recall(record);
  }

  /** Index of the current stage; -1 before the first. */
  get stage(): number {
    return this.#stage;
  }

  /** `true` while no further stage begins until somebody continues. */
  get paused(): boolean {
    return this.#paused;
  }

  /** The devices heard so far. */
  get devices(): RolloutDevices {
    return this.#devices;
  }

  /**
   * Takes one event.
   *
   * @returns What to do, in order. Empty after `done`.
   */
  handle(event: RolloutEvent): RolloutAction[] {
    if (this.#phase !== "done") this.#dispatch(event);
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #dispatch(event: RolloutEvent): void {
    switch (event.type) {
      case "start":
        return this.#start(event);
      case "made":
        return this.#publishMade(event.stage, event.offer, event);
      case "offered":
        return this.#serve(event.stage, event);
      case "report":
        return this.#takeReport(event);
      case "request":
        return this.#takeRequest(event.request, event);
      case "superseded":
        return this.#stopAtOnce("superseded", event);
      case "withdrawn":
        return this.#phase === "withdrawing" ? this.#stopAtOnce(this.#stopping ?? "withdrawn", event) : undefined;
      case "timer":
        return this.#look(event);
    }
  }

  /** Takes a record of the journal. */
  #recall(record: RolloutRecord): void {
    this.#isNew = false;
    switch (record.type) {
      case "offer":
        this.#stage = record.stage;
        this.#offer = record.offer;
        this.#offers.set(record.offer.id, record.offer.counter);
        this.#settledAt = undefined;
        this.#continued = false;
        return;
      case "ended":
        this.#devices.end({ device: record.device }, record.end, record.error);
        return;
      case "settled":
        this.#settledAt = record.at;
        return;
      case "request":
        return this.#recallRequest(record.request);
      case "stopping":
        this.#stopping = record.reason;
        return;
      case "stopped":
        this.#stopped = record.reason;
        return;
      case "complete":
        this.#stopped = "complete";
        return;
      case "rollout":
        return;
    }
  }

  #recallRequest(request: RolloutRequest): void {
    if (request === "pause") this.#paused = true;
    if (request !== "continue") return;
    this.#paused = false;
    // A stage that is still running has no hold yet that could end.
    if (this.#settledAt !== undefined) this.#continued = true;
    // A stage that was given up for want of devices is offered for longer.
    if (this.#stopped === "nobody") {
      this.#stopped = undefined;
      this.#stopping = undefined;
    }
  }

  #start(moment: Moment): void {
    if (this.#phase !== "idle") return;
    if (this.#isNew) this.#record({ type: "rollout", at: moment.at, subject: this.#subject, plan: this.#plan });
    if (this.#stopped !== undefined) return this.#finish(this.#stopped);
    if (this.#stopping !== undefined) return this.#withdraw();
    if (this.#offer === undefined) return this.#begin(0, moment);
    this.#phase = "publishing";
    this.#actions.push({ type: "publish", stage: this.#stage, offer: this.#offer });
  }

  /** Begins a stage, or the first one after it that includes somebody: an offer can't name nobody. */
  #begin(from: number, { at }: Moment): void {
    const { stages, devices } = this.#plan;
    const first = devices?.reduce((least, device) => {
      const own = this.#devices.stageOf(device);
      return own === undefined ? least : Math.min(least, Math.max(own, from));
    }, stages.length);
    const stage = first ?? from;
    if (stage >= stages.length) {
      this.#record({ type: "complete", at });
      return this.#finish("complete");
    }
    this.#phase = "making";
    this.#actions.push({ type: "clear-timer" }, { type: "make-offer", stage });
  }

  #publishMade(stage: number, offer: RolloutOffer, { at }: Moment): void {
    // A second offer of a stage: somebody else used the number of the first.
    const isAgain = this.#phase === "publishing" && stage === this.#stage;
    if (!isAgain && this.#phase !== "making") return;
    this.#phase = "publishing";
    this.#stage = stage;
    this.#offer = offer;
    this.#offers.set(offer.id, offer.counter);
    this.#settledAt = undefined;
    this.#continued = false;
    this.#record({ type: "offer", at, stage, offer });
    this.#actions.push({ type: "publish", stage, offer });
  }

  #serve(stage: number, moment: Moment): void {
    if (this.#phase !== "publishing" || stage !== this.#stage) return;
    this.#offeredAt = moment.now;
    this.#phase = "serving";
    if (this.#settledAt !== undefined) return this.#hold(this.#settledAt, moment);
    this.#look(moment);
  }

  #takeReport(event: RolloutEvent & { readonly type: "report" }): void {
    const { report } = event;
    const counter = report.offer === undefined ? undefined : this.#offers.get(report.offer);
    const ended = this.#devices.report(report, counter, this.#stage, event.now);
    if (ended === undefined) return;
    this.#recordEnd(ended, event);
    this.#stopOnFailures(event);
  }

  #takeRequest(request: RolloutRequest, moment: Moment): void {
    if (this.#phase === "withdrawing") return;
    this.#record({ type: "request", at: moment.at, request });
    if (request === "withdraw") return this.#stop("withdrawn", moment);
    this.#recallRequest(request);
    if (this.#phase === "holding") this.#look(moment);
  }

  /** Looks whether the stage has settled, or the next one may begin. */
  #look(moment: Moment): void {
    if (this.#phase === "holding") return this.#endHold(moment);
    if (this.#phase !== "serving") return;
    const { now } = moment;
    const standing = this.#devices.standing(this.#stage, this.#offeredAt, now);
    for (const device of standing.lost) {
      const message = "it restarted into the image, and nothing was heard of it since";
      const ended = this.#devices.end({ device }, "failed", { code: "delivery/no-device", message });
      if (ended !== undefined) this.#recordEnd(ended, moment);
    }
    if (this.#stopOnFailures(moment)) return;
    const isLate = now - this.#offeredAt >= this.#plan.stageTimeoutMs;
    const isEarly = now - Math.max(this.#offeredAt, this.#devices.newestAt) < SETTLE_MS;
    const isOver = !isEarly && standing.working.length === 0 && (this.#hasEnded() || this.#isEmpty(standing.admitted));
    if (!isLate && !isOver) return this.#wake(Math.min(now + LOOK_MS, this.#offeredAt + this.#plan.stageTimeoutMs));
    // A stage that has proved nothing is not good.
    if (!this.#hasEnded() && !this.#isEmpty(standing.admitted)) return this.#stopAtOnce("nobody", moment);
    this.#settledAt = moment.at;
    this.#record({ type: "settled", at: moment.at, stage: this.#stage, open: this.#devices.open(this.#stage) });
    this.#hold(moment.at, moment);
  }

  /** Returns `true` if a device of the stages so far ended well or not. */
  #hasEnded(): boolean {
    const { confirmed, failed, already, unable } = this.#devices.counts;
    return confirmed + failed + already + unable > 0;
  }

  /** Returns `true` if devices were heard, and the stage includes none of them. */
  #isEmpty(admitted: number): boolean {
    return admitted === 0 && this.#devices.heard > 0;
  }

  #hold(settledAt: number, moment: Moment): void {
    if (this.#stage === this.#plan.stages.length - 1) {
      this.#record({ type: "complete", at: moment.at });
      return this.#finish("complete");
    }
    this.#phase = "holding";
    const { hold } = this.#plan;
    // A clock that was set back has not made the time longer.
    const passed = Math.max(0, moment.at - settledAt);
    this.#holdUntil = moment.now + (hold === "until-continued" ? 0 : Math.max(0, hold - passed));
    this.#endHold(moment);
  }

  #endHold(moment: Moment): void {
    const { now } = moment;
    if (this.#continued) return this.#begin(this.#stage + 1, moment);
    if (this.#paused) return;
    if (this.#plan.hold === "until-continued") return this.#finish("held");
    if (now >= this.#holdUntil) return this.#begin(this.#stage + 1, moment);
    this.#wake(this.#holdUntil);
  }

  /** Stops the rollout if too many devices failed. @returns `true` if so. */
  #stopOnFailures(moment: Moment): boolean {
    const { confirmed, failed } = this.#devices.counts;
    const { abortMin, abortPermille } = this.#plan;
    const isTooMany = failed >= abortMin && failed * 1000 > abortPermille * (failed + confirmed);
    const isOpen = this.#phase !== "withdrawing" && this.#phase !== "idle";
    if (isTooMany && isOpen) this.#stop("failures", moment);
    return isTooMany;
  }

  /** Withdraws the offers. Without an offer there is nothing to withdraw. */
  #stop(reason: RolloutStop, moment: Moment): void {
    if (this.#stage < 0) return this.#stopAtOnce(reason, moment);
    this.#stopping = reason;
    this.#record({ type: "stopping", at: moment.at, stage: this.#stage, reason });
    this.#withdraw();
  }

  #withdraw(): void {
    this.#phase = "withdrawing";
    this.#actions.push({ type: "clear-timer" }, { type: "withdraw" });
  }

  #stopAtOnce(reason: RolloutStop, { at }: Moment): void {
    this.#record({ type: "stopped", at, stage: this.#stage, reason });
    this.#finish(reason);
  }

  #finish(reason: RolloutOutcome["reason"]): void {
    this.#phase = "done";
    const stage = this.#stage;
    const devices = this.#devices.all().filter(({ stage: own }) => own !== undefined && own <= stage);
    const open = this.#devices.open(stage);
    const outcome: RolloutOutcome = { reason, stage, counts: this.#devices.counts, devices, open };
    this.#actions.push({ type: "clear-timer" }, { type: "done", outcome });
  }

  #recordEnd({ device, end, error }: RolloutDevice, { at }: Moment): void {
    if (end === undefined) return;
    this.#record({ type: "ended", at, stage: this.#stage, device, end, ...(error === undefined ? {} : { error }) });
  }

  #wake(at: number): void {
    this.#actions.push({ type: "set-timer", at });
  }

  #record(record: RolloutRecord): void {
    this.#actions.push({ type: "record", record });
  }
}
