import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import type { SignatureCheck, SignatureChecks } from "../signing/signature-check.ts";
import { PerMinute } from "./per-minute.ts";

/** Result of an {@link EnvelopeJudge}. */
export type Verdict<Result> =
  | { readonly kind: "verified"; readonly result: Result }
  | { readonly kind: "refused"; readonly error: OtaError }
  /** The budget of this minute does not suffice: the message has to come again. */
  | { readonly kind: "postponed" }
  /** The verdict needs the answer to this check: see {@link EnvelopeJudge.answer}. */
  | { readonly kind: "check"; readonly check: SignatureCheck };

/** Signature verifications within a minute, for messages that the broker retained and for live messages. */
export interface VerificationLimits {
  readonly retained: number;
  readonly live: number;
}

/**
 * Maximum number of verifications for one message: 4 signatures of an offer and 4 of its release, or 4 of a key set
 * under the root keys of two epochs.
 */
const MESSAGE_VERIFICATIONS_MAX = 8;

/**
 * Number of verdicts kept, for retained and live messages apart: a broker repeats retained messages at each connect.
 */
const VERDICTS_MAX = 4;

/** The examination of one message, between two checks. */
interface Examination<Result> {
  /** SHA-256 of the message. */
  readonly name: string;
  readonly isRetained: boolean;
  readonly checks: SignatureChecks<Result>;
  /** Verifications that the message may cost. */
  readonly allowance: number;
  readonly left: number;
}

/**
 * Budgets and verdicts of one kind of envelope. A message that is not a key set may be an offer, so kinds share nothing.
 *
 * It asks for one signature check at a time and examines one message at a time.
 */
export class EnvelopeJudge<Result> {
  readonly #limits: VerificationLimits;
  readonly #retained: PerMinute;
  readonly #live: PerMinute;
  /** By SHA-256 of the message, signatures included: a forgery around an honest payload says nothing of that payload. */
  readonly #retainedVerdicts: Map<string, Verdict<Result>> = new Map();
  readonly #liveVerdicts: Map<string, Verdict<Result>> = new Map();
  #examination: Examination<Result> | undefined;

  constructor(limits: VerificationLimits) {
    this.#limits = limits;
    this.#retained = new PerMinute(limits.retained);
    this.#live = new PerMinute(limits.live);
  }

  /** `true` while a check waits for its answer. */
  get isExamining(): boolean {
    return this.#examination !== undefined;
  }

  /** Returns when the whole budget for retained messages is back; `now` if it is. */
  retainedReadyAt(now: number): number {
    return this.#retained.availableAt(this.#limits.retained, now);
  }

  /**
   * Begins to verify a message, or repeats an earlier verdict on it. Call it only while no check waits for its answer.
   *
   * @param count - Number of verifications that the message costs if it is authentic.
   */
  judge(
    message: Uint8Array,
    isRetained: boolean,
    count: number,
    now: number,
    checks: SignatureChecks<Result>,
  ): Verdict<Result> {
    const name = toHex(sha256(message));
    const known = this.#retainedVerdicts.get(name) ?? this.#liveVerdicts.get(name);
    if (known !== undefined) return known;
    const allowance = Math.min(this.#budgetOf(isRetained).left(now), MESSAGE_VERIFICATIONS_MAX);
    if (count > allowance) return { kind: "postponed" };
    return this.#advance({ name, isRetained, checks, allowance, left: allowance }, false, now);
  }

  /**
   * Continues with the answer to the last check; `undefined` if no check waits for an answer.
   *
   * @param isValid - Whether the signature is valid.
   */
  answer(isValid: boolean, now: number): Verdict<Result> | undefined {
    const examination = this.#examination;
    return examination === undefined ? undefined : this.#advance(examination, isValid, now);
  }

  /** Removes all verdicts. */
  forget(): void {
    this.#retainedVerdicts.clear();
    this.#liveVerdicts.clear();
  }

  #advance(examination: Examination<Result>, isValid: boolean, now: number): Verdict<Result> {
    const { name, isRetained, checks, allowance, left } = examination;
    this.#examination = undefined;
    let step = nextStep(checks, isValid);
    if ("check" in step && left > 0) {
      this.#budgetOf(isRetained).spend(now);
      this.#examination = { ...examination, left: left - 1 };
      return { kind: "check", check: step.check };
    }
    const isCutShort = "check" in step;
    // The allowance is used up: the remaining signatures count as invalid, and the error says why.
    while ("check" in step) step = nextStep(checks, false);
    if (isCutShort && allowance < MESSAGE_VERIFICATIONS_MAX) return { kind: "postponed" };
    remember(isRetained ? this.#retainedVerdicts : this.#liveVerdicts, name, step.verdict);
    return step.verdict;
  }

  #budgetOf(isRetained: boolean): PerMinute {
    return isRetained ? this.#retained : this.#live;
  }
}

function nextStep<Result>(
  checks: SignatureChecks<Result>,
  isValid: boolean,
): { readonly check: SignatureCheck } | { readonly verdict: Verdict<Result> } {
  try {
    const step = checks.next(isValid);
    return step.done === true ? { verdict: { kind: "verified", result: step.value } } : { check: step.value };
  } catch (error) {
    if (isOtaError(error)) return { verdict: { kind: "refused", error } };
    throw error;
  }
}

function remember<Result>(verdicts: Map<string, Verdict<Result>>, name: string, verdict: Verdict<Result>): void {
  verdicts.set(name, verdict);
  for (const oldest of verdicts.keys()) {
    if (verdicts.size <= VERDICTS_MAX) return;
    verdicts.delete(oldest);
  }
}
