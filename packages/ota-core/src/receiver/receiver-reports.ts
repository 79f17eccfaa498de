import type { OtaError } from "../errors.ts";
import { buildStateReport } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { PerMinute } from "./per-minute.ts";
import type { ReceiverAction } from "./receiver-events.ts";
import { type ReportKey, ReportSchedule } from "./report-schedule.ts";

/** The receiver whose reports these are. */
export interface ReportedReceiver {
  now(): number;
  isConnected(): boolean;
  /** The report as of now. */
  report(): StateReport;
  reportKey(): ReportKey;
  emit(action: ReceiverAction): void;
}

/** Answers to senders within a minute, so that nobody who can publish offers makes a device publish without bound. */
const ANSWERS_PER_MINUTE = 8;

/** Of those, answers that only the sender of an authentic offer gets: a flood of forged offers can't use them up. */
const ANSWERS_FOR_AUTHENTIC = 1;

/** Publishes what a device has to say of itself, and what it tells the senders of offers. */
export class ReceiverReports {
  readonly #topic: string;
  readonly #receiver: ReportedReceiver;
  readonly #schedule: ReportSchedule;
  readonly #answers: PerMinute = new PerMinute(ANSWERS_PER_MINUTE);

  /**
   * @param topic - The device's own.
   * @param intervalMs - Between two reports of progress.
   */
  constructor(topic: string, intervalMs: number, receiver: ReportedReceiver) {
    this.#topic = topic;
    this.#schedule = new ReportSchedule(intervalMs);
    this.#receiver = receiver;
  }

  /** Says so when what a report would say is no longer what the last one said, progress apart. */
  changed(): void {
    if (this.#receiver.isConnected() && this.#schedule.isNews(this.#receiver.reportKey())) this.publish();
  }

  /** Progress goes out at most once per interval. */
  progress(): void {
    if (!this.#receiver.isConnected()) return;
    const now = this.#receiver.now();
    const at = this.#schedule.progressAt(now);
    if (at === now) this.publish();
    else if (at !== undefined) this.#receiver.emit({ type: "set-timer", timer: "report", at });
  }

  /** The timer for a report of progress has fired. */
  timerFired(): void {
    this.#schedule.timerFired();
  }

  publish(): void {
    if (!this.#receiver.isConnected()) return;
    this.#send(this.#receiver.report(), true);
    this.#schedule.sent(this.#receiver.reportKey(), this.#receiver.now());
  }

  /**
   * Spends one answer of this minute.
   *
   * @param isAuthentic - Whether the offer to answer was verified.
   * @returns `false` if none is left.
   */
  mayAnswer(isAuthentic: boolean): boolean {
    const now = this.#receiver.now();
    if (this.#answers.left(now) <= (isAuthentic ? 0 : ANSWERS_FOR_AUTHENTIC)) return false;
    this.#answers.spend(now);
    return true;
  }

  /**
   * Tells the sender of an offer where it stands, without a change to what this device is about. Not retained.
   *
   * @param isAuthentic - Whether the offer was verified.
   */
  answer(offer: string, state: "waiting" | "rejected", error: OtaError | undefined, isAuthentic: boolean): void {
    if (!this.#receiver.isConnected() || !this.mayAnswer(isAuthentic)) return;
    const { error: _, image: __, ...report } = this.#receiver.report();
    const told = error === undefined ? {} : { error: { code: error.code, message: error.message } };
    this.#send({ ...report, state, offer, ...told }, false);
  }

  #send(report: StateReport, retain: boolean): void {
    const payload = buildStateReport(report);
    this.#receiver.emit({ type: "publish", topic: this.#topic, payload, qos: 1, retain });
  }
}
