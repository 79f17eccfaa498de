import type { OtaError } from "../errors.ts";
import { buildStateReport } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { PerMinute } from "./per-minute.ts";
import type { ReceiverAction, ReceiverContext } from "./receiver-events.ts";
import { type ReportState, reportOf } from "./report-of.ts";
import { ReportSchedule } from "./report-schedule.ts";

/** Answers to senders within a minute: a flood of offers must not make a device publish without bound. */
const ANSWERS_PER_MINUTE = 8;

/** Of those, answers reserved for senders of authentic offers: a flood of forged offers can't use them up. */
const ANSWERS_FOR_AUTHENTIC = 1;

/** Answer of a device to the sender of an offer. */
export interface OfferAnswer {
  /** Id of the offer. */
  readonly offer: string;
  readonly state: "waiting" | "rejected";
  readonly error: OtaError | undefined;
  /** The signatures of the offer were verified. */
  readonly isAuthentic: boolean;
}

/**
 * Decides when a device reports its state, and answers the senders of offers.
 *
 * Sans-IO: each method returns the actions to carry out. They are empty while the device is not connected.
 */
export class ReceiverReports {
  readonly #topic: string;
  readonly #schedule: ReportSchedule;
  readonly #answers: PerMinute = new PerMinute(ANSWERS_PER_MINUTE);

  /**
   * @param topic - The device's state topic.
   * @param intervalMs - Shortest time between two reports of progress, in milliseconds.
   */
  constructor(topic: string, intervalMs: number) {
    this.#topic = topic;
    this.#schedule = new ReportSchedule(intervalMs);
  }

  /** Reports if the last report said something else, progress apart. */
  changed(state: ReportState, context: ReceiverContext): ReceiverAction[] {
    return context.isConnected && this.#schedule.isNews(state) ? this.publish(state, context) : [];
  }

  /** Reports progress, at most once per interval. */
  progress(state: ReportState, context: ReceiverContext): ReceiverAction[] {
    if (!context.isConnected) return [];
    const at = this.#schedule.progressAt(context.now);
    if (at === context.now) return this.publish(state, context);
    return at === undefined ? [] : [{ type: "set-timer", timer: "report", at }];
  }

  /** Takes the end of the timer that {@link ReceiverReports.progress} set. */
  timerFired(): void {
    this.#schedule.timerFired();
  }

  /** Reports now. */
  publish(state: ReportState, { now, isConnected }: ReceiverContext): ReceiverAction[] {
    if (!isConnected) return [];
    this.#schedule.sent(state, now);
    return [this.#send(reportOf(state, true), true)];
  }

  /**
   * Spends one answer of this minute.
   *
   * @param isAuthentic - `true` if the signatures of the offer were verified.
   * @returns `false` if no answer is left.
   */
  mayAnswer(now: number, isAuthentic: boolean): boolean {
    if (this.#answers.left(now) <= (isAuthentic ? 0 : ANSWERS_FOR_AUTHENTIC)) return false;
    this.#answers.spend(now);
    return true;
  }

  /** Answers the sender of an offer that does not change the device's state. The answer is not retained. */
  answer(answer: OfferAnswer, state: ReportState, { now, isConnected }: ReceiverContext): ReceiverAction[] {
    if (!isConnected || !this.mayAnswer(now, answer.isAuthentic)) return [];
    const { error: _, image: __, ...report } = reportOf(state, true);
    const { error } = answer;
    const why = error === undefined ? {} : { error: { code: error.code, message: error.message } };
    return [this.#send({ ...report, state: answer.state, offer: answer.offer, ...why }, false)];
  }

  #send(report: StateReport, retain: boolean): ReceiverAction {
    return { type: "publish", topic: this.#topic, payload: buildStateReport(report), qos: 1, retain };
  }
}
